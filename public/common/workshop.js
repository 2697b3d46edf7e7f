// The helper object of the lessons' pages. Its methods say in the console what comes of them, and return the object, so
// that they can be chained: what is asked for before the connection is open is done as soon as it is.

class Workshop {
  // settings: {config: {url, realm, ...} as of autobahn.Connection, topic, message, procedure, args, answer, titles}
  constructor(settings) {
    this.settings = settings;
    this.config = {...settings.config};
    this.session = null;
    this.connection = null;
    this.waiting = [];
  }

  // Joins another realm from the next connect() on.
  setRealm(realm) {
    this.config.realm = realm;
    return this;
  }

  // Adds to (or replaces) what autobahn.Connection is given: realm, authmethods, authid, onchallenge, ...
  setConfig(config) {
    Object.assign(this.config, config);
    return this;
  }

  connect() {
    if (this.connection && this.connection.isOpen) {
      console.log('Already connected; connectAgain() makes a new connection.');
      return this;
    }
    console.log(`Connecting to ${this.config.url}, realm "${this.config.realm}" ...`);
    const connection = new autobahn.Connection(this.config);
    this.connection = connection;
    connection.onopen = (session, details) => this.opened(session, details);
    connection.onclose = (reason, details) => this.closed(connection, reason, details);
    connection.open();
    return this;
  }

  // Closes the connection, if there is one, and makes a new one.
  connectAgain() {
    const old = this.connection;
    this.connection = null;
    this.session = null;
    if (old) {
      old.onclose = () => true;
      try {
        old.close();
      } catch {
        // it was closed already
      }
    }
    return this.connect();
  }

  opened(session, details) {
    this.session = session;
    const title = this.settings.titles[details.authrole] || 'somebody';
    console.log(`Connected to realm "${session.realm}" as "${details.authid}" with the role "${details.authrole}": ` +
                `you are a ${title}.`);
    for (const action of this.waiting.splice(0)) action(session);
  }

  // Returns true to stop autobahn from trying again: it is of no use when the router has said no.
  closed(connection, reason, details) {
    if (this.connection === connection) this.session = null;
    if (reason === 'unreachable') {
      console.log('The router cannot be reached. Is it running?');
      return false;
    }
    if (reason === 'lost') {
      console.log('The connection was lost, trying again ...');
      return false;
    }
    console.log(`The connection was closed: ${details.reason || reason}`, details.message || '');
    return true;
  }

  // Does something with the session, now or when there is one.
  withSession(action) {
    if (this.session) {
      action(this.session);
    } else {
      this.waiting.push(action);
      console.log('Not connected: this will be done once there is a connection.');
    }
    return this;
  }

  pub(topic, message) {
    const name = topic || this.settings.topic;
    const args = [message === undefined ? this.settings.message : message];
    return this.withSession((session) => {
      session.publish(name, args, {}, {acknowledge: true, exclude_me: false}).then(
        () => console.log(`Publisher says: "${name}" got my message`, args),
        (error) => this.failed(`Publisher says: "${name}" was refused`, error));
    });
  }

  // sub(), sub(topic), sub(callback, topic)
  sub(first, second) {
    const callback = typeof first === 'function' ? first : null;
    const name = second || (typeof first === 'string' && first) || this.settings.topic;
    return this.withSession((session) => {
      const listener = (args, kwargs, details) => {
        console.log(`Subscriber says: got a message on "${name}"`, args);
        if (callback) callback(args, kwargs, details);
      };
      session.subscribe(name, listener).then(
        () => console.log(`Subscriber says: I subscribed to "${name}"`),
        (error) => this.failed(`Subscriber says: "${name}" was refused`, error));
    });
  }

  // call(), call(argument), call([arguments], procedure)
  call(args, procedure) {
    const name = procedure || this.settings.procedure;
    const list = args === undefined || args === null ? this.settings.args : Array.isArray(args) ? args : [args];
    return this.withSession((session) => {
      session.call(name, list).then(
        (answer) => console.log(`Caller says: "${name}" answered`, answer),
        (error) => this.failed(`Caller says: "${name}" failed`, error));
    });
  }

  // reg(), reg(procedure), reg(procedure, function)
  reg(procedure, handler) {
    const name = procedure || this.settings.procedure;
    const answer = handler || ((args) => {
      console.log('Callee says: somebody called me with', args);
      return this.settings.answer;
    });
    return this.withSession((session) => {
      session.register(name, answer).then(
        () => console.log(`Callee says: I registered "${name}"`),
        (error) => this.failed(`Callee says: "${name}" was refused`, error));
    });
  }

  failed(what, error) {
    console.log(`${what}: ${error.error || error}`, error.args && error.args.length > 0 ? error.args[0] : '');
  }
}
