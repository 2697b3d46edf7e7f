// The connection layer of this lesson, and a game over it: the tab that is the server decides where everybody is.

const other = new URLSearchParams(location.search).get('port');
window.layer = `ws://${location.hostname}:${other || 8080}`;

class Game {
  constructor(role) {
    this.role = role;
    this.players = {};  // by id: x, y and where it wants to go
    this.steered = {dx: 0, dy: 0};
    this.socket = new WebSocket(layer);
    this.socket.onopen = () => {
      console.log(`I am a ${role}`);
      this.send({connect: role});
      if (role === 'server') {
        this.timer = setInterval(() => this.move(), 50);
      } else {
        this.send({data: this.steered});
      }
    };
    this.socket.onmessage = (event) => this.hear(JSON.parse(event.data));
    this.socket.onclose = () => {
      clearInterval(this.timer);
      console.log('The connection is closed, trying again ...');
      setTimeout(() => { game = new Game(role); }, 1000);
    };
  }

  send(message) {
    this.socket.send(JSON.stringify(message));
  }

  hear({data, disconnect, id}) {
    if (disconnect === 'client') {
      delete this.players[id];
      console.log(`Player ${id} is gone`);
    }
    if (disconnect === 'server') console.log('The server is gone');
    if (data && data.players) this.players = data.players;
    if (data && this.role === 'server') {
      for (const client of data.clients || []) {
        if (!this.players[client.id]) console.log(`Player ${client.id} is here`);
        this.players[client.id] = {x: 200, y: 120, ...this.players[client.id], ...client};
      }
    }
    this.draw();
  }

  // The server's work, twenty times a second: everybody moves, and everybody is told if something has changed.
  move() {
    const clamp = (value, most) => Math.max(8, Math.min(most - 8, value));
    for (const player of Object.values(this.players)) {
      player.x = clamp(player.x + 4 * (Number(player.dx) || 0), 400);
      player.y = clamp(player.y + 4 * (Number(player.dy) || 0), 240);
    }
    const players = Object.fromEntries(Object.entries(this.players).map(([id, {x, y}]) => [id, {x, y}]));
    const now = JSON.stringify(players);
    if (now !== this.told) this.send({data: {players}});
    this.told = now;
    this.draw();
  }

  steer(dx, dy) {
    if (this.role !== 'client') return;
    this.steered = {dx, dy};
    if (this.socket.readyState === WebSocket.OPEN) this.send({data: this.steered});  // or when it is
  }

  draw() {
    const circles = Object.entries(this.players).map(([id, {x, y}]) => {
      const circle = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
      for (const [name, value] of Object.entries({cx: x, cy: y, r: 8, fill: `hsl(${(id * 67) % 360} 70% 45%)`})) {
        circle.setAttribute(name, value);
      }
      circle.dataset.player = id;
      return circle;
    });
    document.getElementById('map').replaceChildren(...circles);
  }
}

window.game = null;
for (const role of ['server', 'client']) {
  document.getElementById(role).onclick = () => { game = game || new Game(role); };
}
for (const button of document.querySelectorAll('[data-by]')) {
  button.onclick = () => game && game.steer(...button.dataset.by.split(',').map(Number));
}
const arrows = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
document.onkeydown = ({key}) => game && arrows[key] && game.steer(...arrows[key]);
document.onkeyup = ({key}) => game && arrows[key] && game.steer(0, 0);
