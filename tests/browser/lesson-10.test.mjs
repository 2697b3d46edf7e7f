// Lesson 10, step by step: connections as objects.
import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {promisify} from 'node:util';
import {before as above, instead, Sources} from './build.mjs';
import {blocks, Browser, Lesson, root, Tab} from './support.mjs';

const [echo, room, roomRoute, who, unknown, deskRoute, events, eventsRoute, identity, tellRoute] = blocks(10, 'cpp');
const [initWebsocket, enterRoom, desk, whispers, asAnn, tellAnn] = blocks(10, 'javascript');
const [curls] = blocks(10, 'sh');
let browser;
let lesson;

before(async () => {
  browser = await Browser.start();
  lesson = await Lesson.start(10, {state: 'finished'});
  await ready();
});
after(async () => {
  await lesson?.stop();
  await browser?.stop();
});

const ready = (from = 0) => lesson.router.line('I registered the procedure "sockets.room.request"', from);
const open = () => browser.open('/10/', lesson);
const inClass = (name, code) => (text) => {
  const at = text.indexOf(' public:\n', text.indexOf(`class ${name} `)) + ' public:\n'.length;
  return text.slice(0, at) + code + text.slice(at);
};
const atTheEndOf = (name, code) => (text) => {
  const at = text.indexOf('};\n', text.indexOf(`class ${name} `));
  return text.slice(0, at) + code + text.slice(at);
};

test('the steps lead from the start to the finished program', async () => {
  const sources = new Sources('lesson_10_sockets', '10/worker');
  try {
    sources.check();
    sources.edit('sockets.cpp', inClass('Echo', echo)).check();
    sources.edit('sockets.cpp', inClass('Room', room), instead('  application.route<Room>("room");\n', roomRoute)).check();
    sources.edit('sockets.cpp', inClass('Desk', who), atTheEndOf('Desk', unknown),
                 instead('  application.route<Desk>("desk");\n', deskRoute)).check();
    sources.edit('sockets.cpp', above('override { write({{"event", "unknown"', events),
                 instead('      .answer("who", &Desk::who);\n', eventsRoute)).check();
    sources.edit('sockets.cpp', above('override { write({{"event", "unknown"', identity), above('.answer("who"', tellRoute)).check();
    await sources.checked();
    assert.equal(sources.texts['sockets.cpp'], readFileSync(path.join(root, 'lessons/10/finished/worker/sockets.cpp'), 'utf8'));
  } finally {
    await sources.remove();
  }
});

test('step 1: an echo, and pages at the same address', async () => {
  const {stdout} = await promisify(execFile)('bash', ['-ec', curls.replaceAll('8010', lesson.port)]);
  assert.equal(stdout, 'Hello World!\nShowing the object with the id 15\n');
  const tab = await Tab.open(await browser.context.newPage(), `http://localhost:${lesson.port}/`);
  assert.equal((await tab.page.textContent('body')).trim(), 'Hello World!');
  await tab.type(initWebsocket);
  await tab.says(/^Hello there!$/);
  assert.deepEqual(JSON.parse(await tab.says(/^\{/)), {event: 'chat', data: 'Hello there!'});
  await tab.type(`websocket.onmessage = async ({data}) => console.log(new Uint8Array(await data.arrayBuffer()).join());
                  websocket.send(new Uint8Array([0, 255, 10]))`);
  await tab.says('0,255,10');
  // The page's script opens a closed connection anew.
  await tab.type(`websocket.onmessage = (e) => console.log(e.data); websocket.close()`);
  await tab.says(/^Hello there!$/);
  await tab.close();
});

test('step 2: a room, in which everybody has a name', async () => {
  const ann = await open();
  await ann.type(enterRoom);
  await ann.says('Ann is here');
  await ann.says('Ann: Good morning');
  const bob = await open();
  await bob.page.fill('#enter [name=name]', 'Bob');
  await bob.page.click('#enter button');
  await ann.says('Bob is here');
  await bob.page.fill('#say [name=text]', 'Hello Ann');
  await bob.page.click('#say button');
  await ann.says('Bob: Hello Ann');
  await bob.page.waitForSelector('#said p:has-text("Bob: Hello Ann")');
  assert.ok((await browser.context.cookies()).some(({name, value}) => name === 'last_name' && value === 'Bob'));
  await bob.close();
  await ann.says('Bob is gone');

  // Who has no name does not get in.
  await ann.type(`new WebSocket(sockets + '/room').onclose = ({code}) => console.log('refused', code)`);
  await ann.says('refused 1006');
  await lesson.router.line(/refused with status 403/);
  await ann.close();
});

test('steps 3 and 4: JSON events, for one and for all', async () => {
  const [one, two, ann] = [await open(), await open(), await open()];
  const ids = [];
  for (const tab of [one, two]) {
    await tab.type(desk);
    ids.push(/^I am (\S+)$/.exec(await tab.says(/^I am /))[1]);
    await tab.says('That is no event');
  }
  assert.notEqual(ids[0], ids[1]);
  await ann.type(enterRoom);
  await ann.says('Ann is here');

  const from = lesson.router.lines.length;
  await one.type(whispers);
  await one.says('Everybody hears: Lunch');
  await ann.says('Lunch');
  await lesson.router.line(`There is nobody called "nobody" for the event "whispered" from ${ids[0]}`, from);

  await two.type(whispers.replaceAll('nobody', ids[0]));
  await one.says(`${ids[1]} whispers: Psst`);
  await one.says('Everybody hears: Lunch');
  await two.says('Everybody hears: Lunch');
  assert.ok(!two.lines.some((line) => line.includes('Psst')));

  // What is an event among controllers is none for clients, and what the server calls is only what the page has put there.
  await two.type(`desk.emit('whispered', {from: 'me'}); desk.emit('emit')`);
  await two.says('That is no event');
  await two.says('That is no event');
  const left = lesson.router.lines.length;
  await one.close();
  await lesson.router.line(new RegExp(`INVOCATION .*"${ids[0]}".*"clean"`), left);
  await two.type(`desk.emit('whisper', {to: '${ids[0]}', text: 'Psst'})`);
  await lesson.router.line(`There is nobody called "${ids[0]}"`, left);
  for (const tab of [two, ann]) await tab.close();
});

test('step 5: what somebody is told who is away', async () => {
  const clerk = await open();
  await clerk.type(tellAnn);
  await clerk.says('There is no ann');
  await clerk.says('There is no bob');
  const first = await open();
  const from = lesson.router.lines.length;
  await first.type(asAnn);
  await lesson.router.line(/RESULT .*{"connections":1,"messages":0}/, from);
  await clerk.type(`clerk.emit('tell', {to: 'ann', text: 'Hello'})`);
  await first.says('A note: Hello');
  // The router has called the program, whose controller has written it.
  await lesson.router.line(/INVOCATION .*\["ann",\d+,{"args":\["Hello"\],"event":"note"},"[0-9a-f-]+"\]/, from);
  await clerk.says('ann is told');
  const left = lesson.router.lines.length;
  await first.close();
  await lesson.router.line(/INVOCATION .*"ann".*"clean"/, left);
  await clerk.type(`clerk.emit('tell', {to: 'ann', text: 'Come back'})`);
  await clerk.says('ann is told');

  await lesson.router.stop('SIGKILL');
  await lesson.run();
  await ready();
  const again = await open();
  await again.type(asAnn);
  await again.says('A note: Come back');
  await clerk.type(`clerk.emit('tell', {to: 'ann', text: 'Thank you'})`);
  await again.says('A note: Thank you');
  for (const tab of [clerk, again]) await tab.close();
});

test('a new run of the program knows the connections of the former one', async () => {
  const [ann, two, clerk] = [await open(), await open(), await open()];
  await ann.type(enterRoom);
  await ann.says('Ann: Good morning');
  const start = lesson.router.lines.length;
  await clerk.type(asAnn);
  await lesson.router.line(/RESULT .*{"connections":1,"messages":0}/, start);
  await two.type(desk);
  const me = await two.says(/^I am /);
  await two.says('That is no event');
  const from = lesson.router.lines.length;
  const pids = lesson.router.lines.map((line) => /\[Guest +(\d+)\]/.exec(line)?.[1]).filter((pid) => pid);
  process.kill(Number(pids.pop()), 'SIGKILL');
  await ready(from);
  await ann.says('Ann is here');
  await ann.type(`room.send('Still here')`);
  await ann.says('Ann: Still here');
  await two.type(`desk.said = ({text}) => console.log('I hear ' + text); desk.emit('who')`);
  assert.equal(await two.says(/^I am /), me);
  await two.type(`desk.emit('announce', {text: 'Supper'})`);
  await ann.says('Supper');
  await two.says('I hear Supper');
  // Her receiver is in the new run, or will be: what comes in between waits for it.
  await two.type(`desk.emit('tell', {to: 'ann', text: 'Wash up'})`);
  await clerk.says('A note: Wash up');
  for (const tab of [ann, two, clerk]) await tab.close();
});

test('what is written last, when the router ends', async () => {
  const ann = await open();
  await ann.type(`${enterRoom}; room.onclose = ({code}) => console.log('closed', code)`);
  await ann.says('Ann: Good morning');
  await lesson.router.stop();
  await ann.says('The room is closed');
  await ann.says('closed 1001');
  await ann.close();
});
