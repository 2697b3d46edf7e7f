// One WebSocket, and one question over HTTP: where is everybody? Which one we are, the first answer to ourselves tells.

if (location.pathname.startsWith('/9/')) location.href = `http://${location.hostname}:3333/`;

const svg = (name, attributes) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};

let own = null;

function draw(connections) {
  const faces = document.getElementById('faces');
  for (const face of [...faces.children]) {
    if (!connections.some(({connectionId}) => face.id === connectionId)) face.remove();
  }
  for (const {connectionId, x, y} of connections) {
    let face = document.getElementById(connectionId);
    if (!face) {
      face = svg('g', {id: connectionId, class: 'face'});
      face.append(svg('use', {href: '#face'}));
      faces.append(face);
    }
    face.setAttribute('transform', `translate(${x} ${y})`);
    face.dataset.place = `${x},${y}`;
  }
}

// Who we are and where we are come in two messages, in either order.
function wearHat() {
  const face = document.getElementById(own);
  if (face?.children.length === 1) face.append(svg('use', {href: '#hat'}));
}

async function look() {
  draw(await (await fetch('/connections')).json());
  wearHat();
}

function connect() {
  const ws = new WebSocket(`ws://${location.host}/ws`);
  ws.onopen = async () => {
    try {
      await look();
      ws.send(JSON.stringify({message: 'connected'}));
    } catch {
      ws.close();  // the program may be starting again: once more, then
    }
  };
  ws.onmessage = ({data}) => {
    const {connections, you} = JSON.parse(data);
    if (you) own = you;
    if (connections) draw(connections);
    wearHat();
  };
  ws.onclose = () => setTimeout(connect, 1000);
  for (const direction of ['left', 'right', 'up', 'down']) {
    document.getElementById(direction).onclick = () => ws.send(JSON.stringify({message: 'move', direction}));
  }
}

connect();
