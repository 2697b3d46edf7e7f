// Lesson 1, as its text tells it: everything in the browser's console, with the global `session`.
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {blocks, Browser, Lesson} from './support.mjs';

const [subscribe, publish, acknowledge, registerAndCall] = blocks(1, 'javascript');
const register = registerAndCall.slice(0, registerAndCall.indexOf('session.call('));
const call = registerAndCall.slice(register.length);
let browser;
let lesson;

before(async () => {
  browser = await Browser.start();
  lesson = await Lesson.start(1);
});
after(async () => {
  await lesson?.stop();
  await browser?.stop();
});

async function connected() {
  const tab = await browser.open('/1/', lesson);
  await tab.says('Connected to realm "ws-workshop"');
  return tab;
}

test('the index lists the lessons, the page has what it needs from its own server', async () => {
  const page = await browser.context.newPage();
  const foreign = [];
  page.on('request', (request) => {
    if (new URL(request.url()).host !== `localhost:${browser.port}`) foreign.push(request.url());
  });
  await page.goto(`http://localhost:${browser.port}/`);
  await page.click('a[href*="1/"]');
  await page.waitForURL('**/1/');
  assert.match(await page.title(), /Lesson 1/);
  assert.equal(await page.evaluate(() => typeof autobahn.Connection), 'function');
  assert.deepEqual(foreign, []);
  await page.close();
});

test('publish and subscribe', async () => {
  const tab = await connected();
  await tab.type(subscribe);
  await tab.type(publish);
  await tab.says('Subscriber says: got [abc]');
  await lesson.router.line(/<- SUBSCRIBE.*test/);
  await lesson.router.line(/-> SUBSCRIBED/);
  await tab.type(acknowledge);
  await tab.says(/^published as \d+/);
  const other = await connected();
  await other.type(subscribe);
  await other.type(`session.publish('test', [1, {a: [true, null]}], {who: 'other'}, {acknowledge: true})
    .then(() => console.log('acknowledged'))`);
  await tab.says(/Subscriber says: got \[1, Object\] \{who: other\}/);
  await other.says('acknowledged');
  assert.ok(!other.lines.some((line) => line.includes('Subscriber says')), 'publishers are left out');
  await other.close();
  await tab.close();
});

test('call, and what must fail', async () => {
  const tab = await connected();
  await tab.type(register);
  await tab.says('Callee says: registered test');
  await tab.type(call);
  await tab.says('Callee says: called with [1, abc] {colour: blue}');
  await tab.says('Caller says: the answer is 1');
  await tab.type(register);
  await tab.says('Callee says: that went wrong: wamp.error.procedure_already_exists');
  await tab.type(call.replace("'test'", "'nothing'"));
  await tab.says('Caller says: that went wrong: wamp.error.no_such_procedure');

  const other = await connected();
  await other.type(call);
  await other.says('Caller says: the answer is 1');
  const before = lesson.router.lines.length;
  await tab.close();
  await lesson.router.line(/left realm/, before);
  await other.type(call);
  await other.says('Caller says: that went wrong: wamp.error.no_such_procedure');
  await other.close();
});

test('the page connects again when the router is restarted, and says why when its realm is gone', async () => {
  const tab = await connected();
  await lesson.restart();
  await tab.says('No connection (closed). wamp.close.system_shutdown');
  await tab.page.reload();
  await tab.says('Connected to realm "ws-workshop"');
  lesson.edit((config) => {
    config.workers[0].realms[0].name = 'elsewhere';
    return config;
  });
  await lesson.restart();
  await tab.page.reload();
  await tab.says('No connection (closed). wamp.error.no_such_realm no realm "ws-workshop" exists on this router');
  await tab.close();
});
