// autobahn-js from npm: joins, publishes, subscribes, registers and calls with the serializer named in argv. Ends with
// exit code 0 if all went as it should; assertions say what did not. A URL that begins with http is one for long-polling.
import assert from 'node:assert/strict';
import {createRequire} from 'node:module';

const autobahn = createRequire(new URL('../package.json', import.meta.url))('autobahn');
const [url, name] = process.argv.slice(2);
const transport = url.startsWith('http') ? {transports: [{type: 'longpoll', url}]} : {url};
const serializers = {
  json: () => new autobahn.serializer.JSONSerializer(),
  msgpack: () => new autobahn.serializer.MsgpackSerializer(),
  cbor: () => new autobahn.serializer.CBORSerializer(),
};

// What autobahn-js takes of a browser's XMLHttpRequest for long-polling, which Node does not have.
globalThis.XMLHttpRequest = class {
  open(method, url) {
    Object.assign(this, {method, url, headers: {}});
  }
  setRequestHeader(name, value) {
    this.headers[name] = value;
  }
  async send(body) {
    try {
      const response = await fetch(this.url, {method: this.method, headers: this.headers, body});
      this.responseText = await response.text();
      this.status = response.status;
    } catch (error) {
      this.status = 0;
    }
    this.readyState = 4;
    this.onreadystatechange();
  }
};

// A session with the options given; rejects with the reason if the router refuses.
function join(options = {}) {
  return new Promise((resolve, reject) => {
    const connection = new autobahn.Connection(
      {...transport, realm: 'realm1', serializers: [serializers[name]()], max_retries: 0, ...options});
    connection.onopen = (session, details) => resolve({connection, session, details});
    connection.onclose = (reason, details) => {
      reject(Object.assign(new Error(`${reason}: ${details.reason}`), {details}));
      return true;
    };
    connection.open();
  });
}

const {connection, session, details} = await join();
assert.equal(details.authrole, 'anonymous');
assert.equal(details.roles.broker.features.pattern_based_subscription, true);

// Publish and subscribe.
const events = [];
let more;
const event = async () => {
  while (events.length === 0) await new Promise((resolve) => (more = resolve));
  return events.shift();
};
const listen = (args, kwargs, details) => {
  events.push({args, kwargs, topic: details.topic});
  if (more) more();
};
const subscription = await session.subscribe('com.js.topic', listen);
const publication = await session.publish('com.js.topic', [1, 'zwölf', {a: [null, true]}], {key: 2.5},
                                          {acknowledge: true, exclude_me: false});
assert.ok(publication.id > 0);
const got = await event();
assert.deepEqual(got.args, [1, 'zwölf', {a: [null, true]}]);
assert.deepEqual({...got.kwargs}, {key: 2.5});
await session.publish('com.js.topic', ['not for me'], {}, {acknowledge: true});
const prefix = await session.subscribe('com.js', listen, {match: 'prefix'});
await session.publish('com.js.other', ['by prefix'], {}, {exclude_me: false});
assert.deepEqual((await event()).args, ['by prefix']);
await session.unsubscribe(prefix);
await session.unsubscribe(subscription);

// Register and call.
const registration = await session.register('com.js.add', ([a, b]) => {
  if (a === 'fail') throw new autobahn.Error('com.error.no_number', ['not a number'], {given: a});
  return a + b;
});
assert.equal(await session.call('com.js.add', [20, 22]), 42);
await assert.rejects(session.call('com.js.add', ['fail']), (error) => {
  assert.equal(error.error, 'com.error.no_number');
  assert.deepEqual(error.args, ['not a number']);
  return true;
});
await assert.rejects(session.register('com.js.add', () => 1), {error: 'wamp.error.procedure_already_exists'});
await assert.rejects(session.call('com.js.nothing'), {error: 'wamp.error.no_such_procedure'});
await assert.rejects(session.publish('wamp.topic', [], {}, {acknowledge: true}), {error: 'wamp.error.invalid_uri'});
await session.unregister(registration);
await assert.rejects(session.call('com.js.add', [1, 2]), {error: 'wamp.error.no_such_procedure'});

// Two sessions.
const other = await join();
await other.session.register('com.js.far', (args, kwargs) => new autobahn.Result(args.reverse(), kwargs));
const result = await session.call('com.js.far', [1, 2], {k: 'v'});
assert.deepEqual(result.args, [2, 1]);
assert.deepEqual({...result.kwargs}, {k: 'v'});
assert.notEqual(other.session.id, session.id);

// The advanced profile.
async function advanced() {
  // Patterns.
  const own = `com.js.${name}`;
  await other.session.register(`${own}.by`, (args, kwargs, details) => details.procedure, {match: 'prefix'});
  await other.session.register(`${own}..wild`, (args, kwargs, details) => details.procedure, {match: 'wildcard'});
  assert.equal(await session.call(`${own}.by.prefix`), `${own}.by.prefix`);
  assert.equal(await session.call(`${own}.very.wild`), `${own}.very.wild`);
  const news = await session.subscribe(`${own}..news`, listen, {match: 'wildcard'});
  await other.session.publish(`${own}.good.news`, ['by wildcard'], {});
  const wild = await event();
  assert.deepEqual([wild.args, wild.topic], [['by wildcard'], `${own}.good.news`]);

  // Receivers.
  for (const [number, options] of [{exclude: [session.id]}, {eligible: [other.session.id]}, {exclude_authrole: ['anonymous']},
                                   {eligible: [session.id]}].entries()) {
    await other.session.publish(`${own}.listed.news`, [number], {}, {acknowledge: true, ...options});
  }
  assert.deepEqual((await event()).args, [3]);

  // Shared registrations.
  for (const each of [session, other.session]) {
    await each.register(`${own}.shared`, () => each.id, {invoke: 'roundrobin'});
  }
  // This session's node, if there are several, may hear of the other one a little later.
  while (await session.call(`${own}.shared`) !== other.session.id);
  const turns = [await session.call(`${own}.shared`), await session.call(`${own}.shared`)];
  assert.deepEqual(turns.sort(), [session.id, other.session.id].sort());

  // Retained events.
  await session.publish(`${own}.kept`, ['kept'], {}, {retain: true, acknowledge: true});
  await session.subscribe(`${own}.kept`, listen, {get_retained: true});
  assert.deepEqual((await event()).args, ['kept']);

  // Progressive results of a callee of autobahn-js, which does not announce that it can be interrupted.
  await session.register(`${own}.steps`, (args, kwargs, details) => {
    for (let i = 0; i < args[0]; ++i) details.progress([i]);
    return 'all of them';
  });
  const steps = [];
  const last = await other.session.call(`${own}.steps`, [50], {}, {receive_progress: true})
    .then((value) => value, null, (value) => steps.push(value));
  assert.equal(last, 'all of them');
  assert.deepEqual(steps, [...Array(50).keys()]);

  // Progressive results, of a callee in the test that announces that it can be interrupted; and canceling.
  const pieces = [];
  const done = await session.call(`${own}.count`, [100], {}, {receive_progress: true})
    .then((value) => value, null, (value) => pieces.push(value));
  assert.equal(done, 'done');
  assert.deepEqual(pieces, [...Array(100).keys()]);
  const never = session.call(`${own}.count`, [0], {});
  never.cancel({mode: 'kill'});
  await assert.rejects(never, {error: 'wamp.error.canceled'});

  // The meta API: what a third session does, until it is killed, and its testament.
  const told = {};
  for (const topic of ['wamp.session.on_join', 'wamp.session.on_leave', 'wamp.subscription.on_create',
                       'wamp.subscription.on_delete']) {
    await session.subscribe(topic, ([first, ...rest]) => {
      (told[first.session ?? first] ??= []).push([topic, ...rest]);
      if (more) more();
    });
  }
  await session.subscribe(`${own}.will`, listen);
  const third = await join();
  const who = third.session.id;  // which the session forgets when it ends
  const theirs = await third.session.subscribe(`${own}.theirs`, () => {});
  assert.deepEqual(await session.call('wamp.subscription.list_subscribers', [theirs.id]), [who]);
  assert.ok(await third.session.call('wamp.session.add_testament', [`${own}.will`, ['last words'], {}]) > 0);
  const revoked = new Promise((resolve) => theirs.on_unsubscribe.then(resolve));
  await session.call('wamp.subscription.remove_subscriber', [theirs.id, who, 'com.reason']);
  await revoked;
  const gone = new Promise((resolve) => (third.connection.onclose = (reason, details) => resolve(details.reason)));
  await session.call('wamp.session.kill', [who], {reason: 'com.reason', message: 'enough'});
  await gone;
  assert.deepEqual((await event()).args, ['last words']);
  while (told[who]?.at(-1)[0] !== 'wamp.session.on_leave') await new Promise((resolve) => (more = resolve));
  const created = told[who][1][1];
  assert.deepEqual({id: created.id, uri: created.uri, match: created.match},
                   {id: theirs.id, uri: `${own}.theirs`, match: 'exact'});
  assert.deepEqual(told[who].map(([topic]) => topic.slice(5)),
                   ['session.on_join', 'subscription.on_create', 'subscription.on_delete', 'session.on_leave']);
  await session.unsubscribe(news);
}
if (!url.startsWith('http')) await advanced();

await assert.rejects(join({realm: 'nowhere'}), (error) => {
  assert.equal(error.details.reason, 'wamp.error.no_such_realm');
  assert.equal(error.details.message, 'no realm "nowhere" exists on this router');
  return true;
});

for (const each of [connection, other.connection]) {
  await new Promise((resolve) => {
    each.onclose = (reason, details) => {
      assert.equal(details.reason, 'wamp.close.goodbye_and_out');
      resolve();
    };
    each.close();
  });
}
