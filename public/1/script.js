// Connects to the router of lesson 1 and leaves the session in the global variable `session`, for you to use in the
// console.

const connection = new autobahn.Connection({
  url: routerUrl(8001),
  realm: 'ws-workshop',
});

connection.onopen = (session, details) => {
  window.session = session;
  console.log(`Connected to realm "${session.realm}" as session ${session.id}, with the role "${details.authrole}".`);
  console.log('Try: session.subscribe(...), session.publish(...), session.register(...), session.call(...)');
};

// `reason` is what happened to the connection: lost, closed, unreachable. The connection is tried again by itself.
connection.onclose = (reason, details) => {
  delete window.session;
  console.log(`No connection (${reason}).`, details.reason || '', details.message || '');
  if (reason === 'unreachable') console.log('Is the router running? bin/run-crossbar 1');
};

connection.open();
