// What this tab does in lesson 7; lessons/7/README.md tells what to add. `page` (in page.js) shows it.

const peers = new Map();  // our connections with other tabs, by their session

// A tab that goes away says so to those it is connected with.
addEventListener('pagehide', () => {
  for (const peer of peers.values()) peer.close();
});

const connection = new autobahn.Connection({
  url: routerUrl(8007),
  realm: 'ws-workshop',
});

connection.onopen = async (session) => {
  console.log(`Connected to realm "${session.realm}" as session ${session.id}.`);
  page.showMe(session.id);
};

connection.onclose = (reason) => {
  console.log(`No connection to the router (${reason}).`);
  if (reason === 'unreachable') console.log('Is the router running? bin/run-crossbar 7');
  page.showMe('not connected to the router');
  page.showTabs([]);
};

connection.open();
