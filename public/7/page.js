// What is to be seen of lesson 7: the list of tabs and the chat. It knows nothing of WAMP and WebRTC.

const page = (() => {
  const find = (id) => document.getElementById(id);
  const form = find('chat');
  const channels = new Map();  // those that are open, by the tab's session
  let tabs = [];
  let callTab = null;

  function show() {
    const items = tabs.map((id) => {
      const item = document.createElement('li');
      const button = document.createElement('button');
      const isConnected = channels.has(id);
      button.textContent = isConnected ? 'connected' : 'Call';
      button.setAttribute('aria-label', `${button.textContent} ${id}`);
      button.disabled = isConnected || !callTab;
      button.addEventListener('click', () => callTab(id));
      item.append(`${id} `, button);
      return item;
    });
    if (items.length === 0) {
      const item = document.createElement('li');
      item.textContent = 'nobody that we know of';
      items.push(item);
    }
    find('tabs').replaceChildren(...items);
    form.querySelector('button').disabled = channels.size === 0;
  }

  function said(who, text) {
    const line = document.createElement('p');
    const name = document.createElement('b');
    name.textContent = `${who}: `;
    line.append(name, text);
    find('said').append(line);
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const text = form.elements.message.value;
    for (const channel of channels.values()) channel.send(text);
    said('me', text);
    form.elements.message.value = '';
  });

  return {
    // Shows this tab's session.
    showMe(id) {
      find('me').textContent = id;
    },
    // Shows the sessions of the other tabs. Each gets a button, which calls `call` with it, if that is given.
    showTabs(ids, call) {
      tabs = [...ids];
      callTab = call || null;
      show();
    },
    // Shows what the tab says through an open data channel, and sends it what is typed, until the channel is closed or
    // endChat() is called.
    chatWith(id, channel) {
      channels.set(id, channel);
      channel.addEventListener('message', ({data}) => said(id, data));
      channel.addEventListener('close', () => channels.get(id) === channel && page.endChat(id));
      console.log(`The data channel with ${id} is open.`);
      show();
    },
    endChat(id) {
      if (!channels.delete(id)) return;
      console.log(`The data channel with ${id} is closed.`);
      show();
    },
  };
})();
