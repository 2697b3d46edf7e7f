// autobahn-js from npm: signs in with the key given, and is refused with another. argv: URL, serializer, both keys in
// hexadecimal digits. Ends with exit code 0 if all went as it should; assertions say what did not.
import assert from 'node:assert/strict';
import {createRequire} from 'node:module';

const require = createRequire(new URL('../package.json', import.meta.url));
const autobahn = require('autobahn');
const nacl = require('tweetnacl');
const [url, name, right, wrong] = process.argv.slice(2);
const serializers = {
  json: () => new autobahn.serializer.JSONSerializer(),
  msgpack: () => new autobahn.serializer.MsgpackSerializer(),
  cbor: () => new autobahn.serializer.CBORSerializer(),
};

function join(key, authid) {
  return new Promise((resolve, reject) => {
    const connection = autobahn.auth_cryptosign.create_connection({
      url,
      realm: 'realm1',
      authid,
      pkey: nacl.sign.keyPair.fromSeed(Uint8Array.from(Buffer.from(key, 'hex'))),
      serializers: [serializers[name]()],
    });
    connection.onopen = (session, details) => resolve({connection, details});
    connection.onclose = (reason, details) => {
      reject(Object.assign(new Error(`${reason}: ${details.reason}`), {details}));
      return true;
    };
    connection.open();
  });
}

for (const authid of ['joe', undefined]) {
  const {connection, details} = await join(right, authid);
  assert.equal(details.authid, 'joe');
  assert.equal(details.authrole, 'user');
  assert.equal(details.authmethod, 'cryptosign');
  await new Promise((resolve) => {
    connection.onclose = resolve;
    connection.close();
  });
}
await assert.rejects(join(wrong, 'joe'), (error) => {
  assert.equal(error.details.reason, 'wamp.error.not_authorized');
  return true;
});
