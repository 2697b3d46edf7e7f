// Lesson 7, finished: finds out which other tabs are there, calls them and is called, and chats over data channels.

const peers = new Map();  // our connections with other tabs, by their session
const called = new Set();  // those of them that we have asked for

// Resolves when the other side's description is known. Until then candidates are of no use to either side.
function described(peer) {
  return new Promise((resolve) => {
    const look = () => peer.remoteDescription && resolve();
    peer.addEventListener('signalingstatechange', look);
    look();
  });
}

function useChannel(id, channel) {
  if (channel.readyState === 'open') page.chatWith(id, channel);
  else channel.addEventListener('open', () => page.chatWith(id, channel));
}

function newPeer(session, id) {
  peers.get(id)?.close();
  const peer = new RTCPeerConnection();
  peer.addEventListener('connectionstatechange', () => {
    console.log(`The connection with ${id} is ${peer.connectionState}.`);
    if (peer.connectionState !== 'failed') return;  // a tab that was ended by force says nothing
    drop(id, peer);
    page.endChat(id);
  });
  peer.addEventListener('icecandidate', async ({candidate}) => {
    if (!candidate) return;  // that was the last
    await described(peer);
    if (session.isOpen) session.publish('workshop.rtc.candidate', [candidate.toJSON()], {}, {eligible: [id]});
  });
  peer.addEventListener('datachannel', ({channel}) => useChannel(id, channel));
  peers.set(id, peer);
  return peer;
}

function drop(id, peer) {
  peer.close();
  if (peers.get(id) !== peer) return;
  peers.delete(id);
  called.delete(id);
}

async function call(session, id) {
  console.log(`I call ${id}.`);
  called.add(id);
  const peer = newPeer(session, id);
  useChannel(id, peer.createDataChannel('chat'));
  try {
    await peer.setLocalDescription();  // makes an offer
    const answer = await session.call(`workshop.rtc.offer.${id}`, [peer.localDescription.toJSON()]);
    if (peers.get(id) === peer) await peer.setRemoteDescription(answer);
  } catch (error) {
    // The other side's call stands. It has come already, or is on its way.
    if (peers.get(id) !== peer || error.error === 'workshop.error.calling_you') return;
    console.log(`${id} cannot be called: ${error.error || error}`);
    drop(id, peer);
  }
}

async function answer(session, offer, id) {
  // When two call each other at the same moment, the call of the one with the higher number stands. The other's may arrive
  // when it has answered already.
  if (called.has(id) && session.id > id) {
    throw new autobahn.Error('workshop.error.calling_you', ['I am calling you already']);
  }
  called.delete(id);
  console.log(`${id} calls me.`);
  const peer = newPeer(session, id);
  await peer.setRemoteDescription(offer);
  await peer.setLocalDescription();  // makes an answer
  return peer.localDescription.toJSON();
}

// What another tab has found out about where it can be reached. It may be of a call that has been given up.
async function addCandidate(candidate, id) {
  const peer = peers.get(id);
  if (!peer) return;
  await described(peer);
  try {
    await peer.addIceCandidate(candidate);
  } catch (error) {
    if (peer.signalingState !== 'closed') console.log(`A candidate of ${id} is of no use: ${error}`);
  }
}

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
  await session.subscribe('workshop.rtc.candidate', ([candidate], kwargs, {publisher}) => addCandidate(candidate, publisher));
  await session.register(`workshop.rtc.offer.${session.id}`,
                         ([offer], kwargs, {caller}) => answer(session, offer, caller));

  const others = new Set();
  const show = () => page.showTabs(others, (id) => call(session, id));
  const gone = new Set();
  await session.subscribe('wamp.session.on_leave', ([id]) => {
    gone.add(id);
    others.delete(id);
    show();
  });
  await session.subscribe('wamp.session.on_join', ([details]) => {
    others.add(details.session);
    show();
  });
  for (const id of await session.call('wamp.session.list')) if (!gone.has(id)) others.add(id);
  others.delete(session.id);
  show();
};

connection.onclose = (reason) => {
  console.log(`No connection to the router (${reason}).`);
  if (reason === 'unreachable') console.log('Is the router running? bin/run-crossbar 7');
  page.showMe('not connected to the router');
  page.showTabs([]);
};

connection.open();
