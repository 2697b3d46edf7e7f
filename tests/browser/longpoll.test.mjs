// WAMP over long-polling in a browser: autobahn-js on a page of another origin, so that CORS counts.
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {Browser, freePort, Process, program, Tab} from './support.mjs';

let browser;
let router;
let port;
let directory;

before(async () => {
  browser = await Browser.start();
  port = await freePort();
  directory = mkdtempSync(path.join(tmpdir(), 'longpoll-'));
  writeFileSync(path.join(directory, 'config.json'), JSON.stringify({
    version: 2,
    workers: [{
      type: 'router',
      options: {io_threads: 2},
      realms: [{name: 'realm1', roles: [{name: 'anonymous', permissions: [
        {uri: '*', allow: {call: true, register: true, publish: true, subscribe: true}}]}]}],
      transports: [{type: 'web', endpoint: {type: 'tcp', port}, paths: {
        lp: {type: 'longpoll', options: {request_timeout: 1}}}}],
    }],
  }));
  router = new Process(program, ['start', '--cbdir', directory]);
  await router.line('ran successfully');
});
after(async () => {
  assert.equal(await router?.stop(), 0);
  await browser?.stop();
  rmSync(directory, {recursive: true, force: true});
});

test('two pages talk over long-polling', async () => {
  const tabs = [];
  for (const name of ['one', 'two']) {
    const tab = await Tab.open(await browser.context.newPage(), `http://localhost:${browser.port}/`);
    await tab.page.addScriptTag({url: '/vendor/autobahn.min.js'});
    await tab.type(`
      globalThis.connection = new autobahn.Connection({
        transports: [{type: 'longpoll', url: 'http://127.0.0.1:${port}/lp'}], realm: 'realm1', max_retries: 0});
      connection.onopen = (session, details) => {
        globalThis.session = session;
        console.log('open: ${name} ' + connection.transport.info.type + ' ' + details.authrole);
      };
      connection.onclose = (reason, details) => console.log('closed: ' + reason + ' ' + details.reason);
      connection.open();`);
    await tab.says(`open: ${name} longpoll anonymous`);
    tabs.push(tab);
  }
  const [one, two] = tabs;
  await one.type(`(async () => {
    await session.subscribe('com.browser.topic', (args) => console.log('event: ' + args[0]));
    await session.register('com.browser.add', (args) => args[0] + args[1]);
    console.log('ready');
  })()`);
  await one.says('ready');
  assert.equal(await two.type(`session.call('com.browser.add', [20, 22])`), 42);
  await two.type(`for (const word of ['ä', 'b', 'c']) session.publish('com.browser.topic', [word], {}, {acknowledge: true})`);
  const words = [await one.says('event: '), await one.says('event: '), await one.says('event: ')];
  assert.deepEqual(words.sort(), ['event: b', 'event: c', 'event: ä']);  // sent by requests of their own, in any order
  await one.page.waitForResponse((response) => response.status() === 204 && response.url().endsWith('/receive'));
  assert.equal(await two.type(`session.call('com.browser.add', [1, 2])`), 3);  // polls go on after an empty one
  for (const tab of tabs) {
    await tab.type('connection.close()');
    await tab.says('closed: closed wamp.close.goodbye_and_out');
    await tab.close();
  }
});
