// The chat form of lessons 5 and 6: the same as in the console, with buttons.
(() => {
  const form = document.getElementById('chat');
  const there = document.getElementById('there');
  const thread = () => form.elements.thread.value;
  const topic = () => `workshop.chat.${thread()}`;

  form.elements.join.addEventListener('click', () => wsWorkshop.sub(topic()));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    wsWorkshop.pub(topic(), form.elements.message.value);
    form.elements.message.value = '';
  });
  form.elements.who.addEventListener('click', () => wsWorkshop.withSession(async (session) => {
    try {
      const users = JSON.parse(await session.call('workshop.subscribers', [thread()]));
      there.textContent = users.join(', ') || 'nobody';
    } catch (error) {
      wsWorkshop.failed('Caller says: "workshop.subscribers" failed', error);
    }
  }));
})();
