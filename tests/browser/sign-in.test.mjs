// autobahn-js in Chromium: signs in, comes again by its cookie, logs out in all tabs; and signs with a key.
import assert from 'node:assert/strict';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {Browser, freePort, Process, program} from './support.mjs';

const nacl = createRequire(import.meta.url)('tweetnacl');
const seed = '4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510';
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'));
const key = Buffer.from(nacl.sign.keyPair.fromSeed(bytes(seed)).publicKey).toString('hex');
const allow = {call: true, register: true, publish: true, subscribe: true};
let browser;
let directory;
let port;
let router;

before(async () => {
  port = await freePort();
  directory = mkdtempSync(path.join(tmpdir(), 'sign-in-'));
  mkdirSync(path.join(directory, '.crossbar'));
  const websocket = {
    type: 'websocket',
    cookie: {http_strict: true, same_site: 'Strict', store: {type: 'database', path: 'cookies.db'}},
    auth: {
      cookie: {},
      ticket: {type: 'static', principals: {joe: {ticket: 'secret', role: 'user'}}},
      cryptosign: {type: 'static', principals: {ann: {authorized_keys: [key], role: 'user'}}},
    },
  };
  const config = {version: 2, workers: [{
    type: 'router',
    realms: [{name: 'realm1', roles: [{name: 'user', permissions: [{uri: '*', allow}]}]}],
    transports: [{type: 'web', endpoint: {type: 'tcp', port}, paths: {ws: websocket}}],
  }]};
  writeFileSync(path.join(directory, '.crossbar/config.json'), JSON.stringify(config));
  await startRouter();
  browser = await Browser.start();
});
after(async () => {
  await browser?.stop();
  await router?.stop();
  if (directory) rmSync(directory, {recursive: true, force: true});
});

async function startRouter() {
  router = new Process(program, ['start', '--cbdir', path.join(directory, '.crossbar')]);
  await router.line('ran successfully');
}

// A page that has autobahn, and join(): resolves with the session's details, or with why there is none.
async function open() {
  const page = await browser.context.newPage();
  await page.goto(`http://localhost:${browser.port}/1/`);
  await page.evaluate((url) => {
    globalThis.join = (options, make = (all) => new autobahn.Connection(all)) => new Promise((resolve) => {
      const connection = make({url, realm: 'realm1', max_retries: 0, ...options});
      connection.onopen = (session, details) => resolve({...details, connection: globalThis.joined = connection});
      globalThis.ended = new Promise((say) => {
        connection.onclose = (reason, details) => {
          say(details.reason);
          resolve({refused: details.reason});
          return true;
        };
      });
      connection.open();
    }).then(({connection, ...details}) => details);
  }, `ws://localhost:${port}/ws`);
  return page;
}

const byTicket = (page, ticket = 'secret') => page.evaluate((answer) => join({
  authmethods: ['cookie', 'ticket'], authid: 'joe', onchallenge: () => answer}), ticket);
const byCookie = (page) => page.evaluate(() => join({authmethods: ['cookie']}));

test('a cookie lets the same browser in again, after a new start of the router too', async () => {
  const page = await open();
  assert.deepEqual(await byCookie(page), {refused: 'wamp.error.no_auth_method'});
  assert.deepEqual(await byTicket(page, 'guess'), {refused: 'wamp.error.not_authorized'});
  const first = await byTicket(page);
  assert.deepEqual([first.authid, first.authmethod, first.authprovider], ['joe', 'ticket', 'static']);
  assert.equal(await page.evaluate(() => document.cookie.includes('cbtid')), false);  // HttpOnly
  const cookie = (await browser.context.cookies()).find(({name}) => name === 'cbtid');
  assert.deepEqual([cookie.domain, cookie.httpOnly, cookie.secure, cookie.sameSite], ['localhost', true, false, 'Strict']);
  await page.close();
  await router.stop();
  await startRouter();
  const again = await byCookie(await open());
  assert.deepEqual([again.authid, again.authmethod, again.authprovider], ['joe', 'ticket', 'cookie']);
});

test('whoever logs out in one tab is logged out in all', async () => {
  const [one, other] = [await open(), await open()];
  await byTicket(one);
  assert.equal((await byCookie(other)).authprovider, 'cookie');
  await one.evaluate(() => globalThis.joined.close('wamp.close.logout', 'bye'));
  assert.equal(await other.evaluate(() => ended), 'wamp.close.logout');
  for (const page of [one, other]) assert.deepEqual(await byCookie(page), {refused: 'wamp.error.no_auth_method'});
});

test('a key signs in', async () => {
  const page = await open();
  const sign = (from) => page.evaluate((secret) => join({authid: 'ann'}, (options) => {
    const raw = Uint8Array.from(secret.match(/../g), (digits) => parseInt(digits, 16));
    const pkey = autobahn.nacl.sign.keyPair.fromSeed(raw);
    return autobahn.auth_cryptosign.create_connection({...options, pkey});
  }), from);
  const details = await sign(seed);
  assert.deepEqual([details.authid, details.authmethod, details.authprovider], ['ann', 'cryptosign', 'static']);
  assert.deepEqual(await sign(seed.replace('4d', '4e')), {refused: 'wamp.error.not_authorized'});
});
