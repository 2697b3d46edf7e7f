// Step 6 of lesson 10: two nodes, one of which has the program, and pages of both.
import assert from 'node:assert/strict';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {blocks, Browser, freePort, Lesson, Process} from './support.mjs';

const [, enterRoom, desk, whispers, asAnn, tellAnn] = blocks(10, 'javascript');
let directory;
let redis;
let browser;
let first;
let second;

before(async () => {
  const [port, gateway] = [await freePort(), await freePort()];
  directory = mkdtempSync(path.join(tmpdir(), 'redis-'));
  redis = new Process('redis-server', ['--port', port, '--bind', '127.0.0.1', '--dir', directory, '--save', '', '--appendonly', 'yes']);
  await redis.line('Ready to accept connections');
  browser = await Browser.start();
  first = await Lesson.start(10, {state: 'finished/nodes/1', replace: {6379: port}});
  second = await Lesson.start(10, {state: 'nodes/2', replace: {6379: port, 8110: gateway}});
  second.port = gateway;
  await ready();
});
after(async () => {
  await second?.stop();
  await first?.stop();
  await browser?.stop();
  await redis?.stop();
  rmSync(directory, {recursive: true, force: true});
});

// Both know of each other, the program has registered its procedures, and the mailboxes are there.
async function ready() {
  await Promise.all([
    first.router.line('node "node2" is there'), first.router.line('keeps the mailboxes'),
    second.router.line('node "node1" is there'), second.router.line('keeps the mailboxes'),
    first.router.line('I registered the procedure "sockets.room.request"'),
  ]);
}

const open = (lesson) => browser.open('/10/', lesson);

async function enter(tab, name) {
  await tab.page.fill('#enter [name=name]', name);
  await tab.page.click('#enter button');
}

async function say(tab, text) {
  await tab.page.fill('#say [name=text]', text);
  await tab.page.click('#say button');
}

const reads = (tab, text) => tab.page.waitForSelector(`#said p:has-text("${text}")`);

test('the pages of both nodes show one room', async () => {
  const [ann, bob] = [await open(first), await open(second)];
  await enter(ann, 'Ann');
  await reads(ann, 'Ann is here');
  await enter(bob, 'Bob');
  await Promise.all([reads(ann, 'Bob is here'), reads(bob, 'Bob is here')]);
  await say(ann, 'Hello Bob');
  await say(bob, 'Hello Ann');
  for (const tab of [ann, bob]) for (const text of ['Ann: Hello Bob', 'Bob: Hello Ann']) await reads(tab, text);
  await bob.close();
  await reads(ann, 'Bob is gone');
  await ann.close();
});

test('what is for one, for all, and for somebody who is away', async () => {
  const [one, two] = [await open(first), await open(second)];
  const ids = [];
  for (const tab of [one, two]) {
    await tab.type(desk);
    ids.push(/^I am (\S+)$/.exec(await tab.says(/^I am /))[1]);
    await tab.says('That is no event');
  }
  assert.notEqual(ids[0].slice(0, 16), ids[1].slice(0, 16));  // ids begin with a number of their node
  await one.type(whispers.replaceAll('nobody', ids[1]));
  await two.type(whispers.replaceAll('nobody', ids[0]));
  await one.says(`${ids[1]} whispers: Psst`);
  await two.type('desk.emit("announce", {text: "Tea"})');
  await one.says('Everybody hears: Tea');

  // A note is told to her on the second node, waits while she is away, and comes to her on the first one.
  const from = first.router.lines.length;
  const away = await open(second);
  await away.type(asAnn);
  await first.router.line(/RESULT .*{"connections":1,"messages":0}/, from);
  await one.type(tellAnn);
  await away.says('A note: Call me');
  await one.says('ann is told');  // that there is no bob may come before or after this
  const left = first.router.lines.length;
  await away.close();
  await first.router.line(/INVOCATION .*"ann".*"clean"/, left);
  await one.type(`clerk.emit('tell', {to: 'ann', text: 'Come back'})`);
  await one.says('ann is told');
  const back = await open(first);
  await back.type(asAnn);
  await back.says('A note: Come back');
  for (const tab of [one, two, back]) await tab.close();
});

test('the second node is killed: the first one finds out, and goes on', async () => {
  const [ann, bob, desks] = [await open(first), await open(second), await open(second)];
  await enter(ann, 'Ann');
  await reads(ann, 'Ann is here');
  await enter(bob, 'Bob');
  await reads(ann, 'Bob is here');
  const from = first.router.lines.length;
  await desks.type(asAnn);
  await first.router.line(/RESULT .*{"connections":\d,"messages":\d}/, from);
  await second.router.stop('SIGKILL');
  await bob.says('You are not in the room');
  await first.router.line('node "node2" has not been heard of', from);
  await say(ann, 'Bob?');
  await reads(ann, 'Bob is gone');
  // Her only connection is gone with its node: this waits for her.
  const clerk = await open(first);
  await clerk.type(tellAnn.split('\n').slice(0, 2).join('\n'));
  // If the mailboxes were the killed node's, they are the first one's a few seconds later.
  await first.router.line('this node keeps the mailboxes');
  await clerk.type(`clerk.emit('tell', {to: 'ann', text: 'Where are you?'})`);
  await clerk.says('ann is told');
  const back = await open(first);
  await back.type(asAnn);
  await back.says('A note: Where are you?');
  for (const tab of [bob, desks]) await tab.close();

  await second.run();
  await second.router.line('node "node1" is there');
  const again = await open(second);
  await enter(again, 'Bob');
  await Promise.all([reads(again, 'Bob is here'), reads(ann, 'Bob?')]);
  await say(again, 'Here I am');
  await reads(ann, 'Bob: Here I am');
  for (const tab of [ann, clerk, back, again]) await tab.close();
});

test('the first node is killed, and the program with it: the second one keeps its connections', async () => {
  const bob = await open(second);
  await enter(bob, 'Bob');
  await reads(bob, 'Bob is here');
  const from = second.router.lines.length;
  await first.router.stop('SIGKILL');
  await second.router.line('node "node1" has not been heard of', from);
  const other = await open(second);
  await other.type(`new WebSocket(sockets + '/room?name=Eve').onclose = ({code}) => console.log('refused', code)`);
  await other.says('refused 1006');
  await second.router.line(/refused with status 503/, from);
  await first.run();
  await first.router.line('I registered the procedure "sockets.room.request"');
  // The new run of the program has made a controller for him: he is here again.
  await bob.page.waitForFunction(() => [...document.querySelectorAll('#said p')].filter((p) => p.textContent === 'Bob is here').length === 2);
  await say(bob, 'Still here');
  await reads(bob, 'Bob: Still here');
  for (const tab of [bob, other]) await tab.close();
});
