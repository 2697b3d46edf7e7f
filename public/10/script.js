// The room of lesson 10: what is said in it, and a line to say something.

const other = new URLSearchParams(location.search).get('port');
window.sockets = `ws://${location.hostname}:${other || 8010}`;

const [enter, say, said] = ['enter', 'say', 'said'].map((id) => document.getElementById(id));

enter.onsubmit = (event) => {
  event.preventDefault();
  const socket = new WebSocket(`${sockets}/room?name=${encodeURIComponent(enter.elements.name.value)}`);
  socket.onopen = () => {
    enter.hidden = true;
    say.hidden = false;
  };
  socket.onmessage = ({data}) => {
    const line = document.createElement('p');
    line.textContent = data;
    said.append(line);
  };
  socket.onclose = () => {
    enter.hidden = false;
    say.hidden = true;
    console.log('You are not in the room');
  };
  say.onsubmit = (submitted) => {
    submitted.preventDefault();
    socket.send(say.elements.text.value);
    say.reset();
  };
};
