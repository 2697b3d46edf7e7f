// wampy from npm: publishes, subscribes, registers, calls with progress and cancels, in the serializer named in argv; or,
// with "ticket", "wampcra" or "cryptosign" (and the public key of 32 times 01) instead, signs in. Ends with exit code 0 if all went as it should.
import assert from 'node:assert/strict';

import {Wampy} from 'wampy';
import {CborSerializer} from 'wampy/CborSerializer.js';
import {JsonSerializer} from 'wampy/JsonSerializer.js';
import {MsgpackSerializer} from 'wampy/MsgpackSerializer.js';
import * as cryptosign from 'wampy/cryptosign.js';
import * as cra from 'wampy/wampcra.js';
import ws from 'ws';

const [url, name, pubkey] = process.argv.slice(2);
const serializers = {json: JsonSerializer, msgpack: MsgpackSerializer, cbor: CborSerializer};

async function join(options = {}) {
  const serializer = new (serializers[name] ?? JsonSerializer)();
  const client = new Wampy(url, {realm: 'realm1', ws, serializer, autoReconnect: false, ...options});
  return {client, welcome: await client.connect()};
}

async function signIn() {
  const secret = 'secret';
  const answers = {ticket: () => secret, wampcra: cra.sign(secret), cryptosign: cryptosign.sign('01'.repeat(32))};
  const authextra = pubkey ? {pubkey} : {};
  const right = await join({authid: 'joe', authmethods: [name], authextra, onChallenge: answers[name]});
  assert.equal(right.welcome.authid, 'joe');
  assert.equal(right.welcome.authmethod, name);
  await right.client.disconnect();
  const wrong = {ticket: () => 'wrong', wampcra: cra.sign('wrong'), cryptosign: cryptosign.sign('02'.repeat(32))};
  await assert.rejects(join({authid: 'joe', authmethods: [name], authextra, onChallenge: wrong[name]}));
}

async function everything() {
  const {client} = await join();
  const other = (await join()).client;
  const prefix = `com.wampy.${name}`;

  // Publish and subscribe.
  const events = [];
  let more;
  const event = async () => {
    while (events.length === 0) await new Promise((resolve) => (more = resolve));
    return events.shift();
  };
  const listen = ({argsList, argsDict, details}) => {
    events.push({argsList, argsDict, topic: details.topic});
    if (more) more();
  };
  await client.subscribe(`${prefix}.topic`, listen);
  await other.publish(`${prefix}.topic`, {argsList: [1, 'zwölf', [true, null]], argsDict: {key: 2.5}});
  const got = await event();
  assert.deepEqual(got.argsList, [1, 'zwölf', [true, null]]);
  assert.deepEqual({...got.argsDict}, {key: 2.5});
  await client.subscribe(`${prefix}.many`, listen, {match: 'prefix'});
  await other.publish(`${prefix}.many.one`, ['by prefix']);
  const matched = await event();
  assert.deepEqual(matched.argsList, ['by prefix']);
  assert.equal(matched.topic, `${prefix}.many.one`);

  // Register and call.
  await client.register(`${prefix}.add`, ({argsList}) => ({argsList: [argsList[0] + argsList[1]]}));
  assert.deepEqual((await other.call(`${prefix}.add`, [20, 22])).argsList, [42]);
  await assert.rejects(other.call(`${prefix}.nothing`), {errorUri: 'wamp.error.no_such_procedure'});
  await client.register(`${prefix}.fails`, () => {
    throw {error: 'com.error.own', argsList: ['why'], argsDict: {k: 1}};
  });
  await assert.rejects(other.call(`${prefix}.fails`), (error) => {
    assert.equal(error.errorUri, 'com.error.own');
    assert.deepEqual(error.argsList, ['why']);
    return true;
  });

  // Progressive call results, of a callee in the test: as a callee wampy does not announce them.
  const pieces = [];
  const last = await other.call(`${prefix}.count`, [100], {progress_callback: ({argsList, details}) => {
    if (details.progress) pieces.push(argsList[0]);
  }});
  assert.deepEqual(last.argsList, ['done']);
  assert.deepEqual(pieces, [...Array(100).keys()]);

  // Call timeouts and canceling.
  await client.register(`${prefix}.never`, () => new Promise(() => {}));
  await assert.rejects(other.call(`${prefix}.never`, null, {timeout: 100}), {errorUri: /^wamp\.error\.(timeout|canceled)$/});
  const canceled = other.call(`${prefix}.never`);
  assert.equal(other.cancel(other.getOpStatus().reqId, {mode: 'skip'}), true);
  await assert.rejects(canceled, {errorUri: 'wamp.error.canceled'});

  // The meta API.
  assert.ok((await client.call('wamp.session.count')).argsList[0] >= 2);

  await client.unregister(`${prefix}.add`);
  await assert.rejects(other.call(`${prefix}.add`, [1, 2]), {errorUri: 'wamp.error.no_such_procedure'});
  await client.unsubscribe(`${prefix}.topic`);
  await other.disconnect();
  await client.disconnect();
}

await (name in serializers ? everything() : signIn());
process.exit(0);
