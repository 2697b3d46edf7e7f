// Opens a WebSocket connection to the server of lesson 0 and leaves it in the global variable `socket`.

const url = `ws://${location.hostname}:${new URLSearchParams(location.search).get('port') || 8000}/`;
const form = document.getElementById('talk');
const kShown = 64;  // bytes of a frame's part

function connect() {
  window.socket = new WebSocket(url);
  const mine = window.socket;
  mine.binaryType = 'arraybuffer';
  mine.onopen = () => {
    console.log(`Connected to ${url}`);
    showState();
  };
  mine.onmessage = ({data}) => {
    if (typeof data === 'string') console.log('The server says, as text:', data);
    else console.log('The server says, as bytes:', hex(new Uint8Array(data)));
  };
  // An error tells nothing; what is known comes with the close that follows.
  mine.onclose = ({code, reason, wasClean}) => {
    console.log(`Closed with code ${code}${reason ? ` (${reason})` : ''}${wasClean ? '' : ', without a closing handshake'}.`);
    if (code === 1006) console.log('Is the server running? bin/run-crossbar 0');
    showState();
  };
  showState();
}

function send(data) {
  if (socket.readyState === WebSocket.OPEN) socket.send(data);
  else console.log('Not connected.');
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');

function showState() {
  document.getElementById('state').textContent = ['connecting', 'open', 'closing', 'closed'][socket.readyState];
}

function showFrame() {
  const rows = clientFrame(form.elements.message.value, crypto.getRandomValues(new Uint8Array(4))).map(({bytes, says}) => {
    const row = document.createElement('tr');
    const code = document.createElement('code');
    code.textContent = hex(bytes.slice(0, kShown)) + (bytes.length > kShown ? ' ...' : '');
    row.insertCell().append(code);
    row.insertCell().textContent = says;
    return row;
  });
  document.querySelector('#frame tbody').replaceChildren(...rows);
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  send(form.elements.message.value);
});
form.elements.bytes.addEventListener('click', () => send(new TextEncoder().encode(form.elements.message.value)));
form.elements.leave.addEventListener('click', () => {
  socket.close(1000, 'the button was pressed');
  showState();
});
form.elements.connect.addEventListener('click', () => {
  if (socket.readyState === WebSocket.CLOSED) connect();
  else console.log('There is a connection already.');
});
form.elements.message.addEventListener('input', showFrame);

showFrame();
connect();
