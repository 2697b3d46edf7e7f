// JSON events over a WebSocket, both ways: what the other side calls an event is a function of that name here.
class Events {
  #url;
  #socket;
  #waiting = [];  // what is to be said when there is a connection

  constructor(url) {
    this.#url = url;
    this.#connect();
  }

  #connect() {
    this.#socket = new WebSocket(this.#url);
    this.#socket.onopen = () => {
      for (const message of this.#waiting.splice(0)) this.#socket.send(message);
    };
    this.#socket.onmessage = ({data}) => {
      const message = JSON.parse(data);
      // Only functions that were put into this object: nobody calls emit() from elsewhere.
      const handler = Object.hasOwn(this, message.event) ? this[message.event] : undefined;
      if (typeof handler === 'function') handler(message);
    };
    this.#socket.onclose = () => setTimeout(() => this.#connect(), 1000);
  }

  emit(event, data = {}) {
    const message = JSON.stringify({...data, event});
    if (this.#socket.readyState === WebSocket.OPEN) {
      this.#socket.send(message);
    } else {
      this.#waiting.push(message);
    }
  }
}
window.Events = Events;
