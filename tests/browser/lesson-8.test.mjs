// Lesson 8, step by step: a connection layer for those who do not speak WAMP.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {before as above, instead, Sources} from './build.mjs';
import {blocks, Browser, freePort, Lesson, root} from './support.mjs';

const [connect, data, isSecret, secret, leave] = blocks(8, 'cpp');
const [open, asClient, clientData, serverData, tellSecret] = blocks(8, 'javascript');
let browser;
let lesson;

before(async () => {
  browser = await Browser.start();
  const port = await freePort();
  lesson = await Lesson.start(8, {state: 'finished', replace: {8080: port}});
  lesson.port = port;
  await lesson.router.line('I registered the procedure "layer.disconnect"');
});
after(async () => {
  await lesson?.stop();
  await browser?.stop();
});

async function connection() {
  const tab = await browser.open('/8/', lesson);
  await tab.type(open);
  await tab.says('Connection established!');
  return tab;
}

async function heard(tab) {
  return JSON.parse(await tab.says(/^\{/));
}

test('the steps lead from the start to the finished program', async () => {
  const sources = new Sources('lesson_8_layer', '8/worker');
  try {
    sources.check();
    sources.edit('connections.cpp', instead(/void Connections::connect\(.*\) {}\n/, connect)).check();
    sources.edit('connections.cpp', instead(/void Connections::take_data\(.*\) {}\n/, data)).check();
    sources.edit('connections.cpp', above('  Json merged', isSecret),
                 instead(/void Connections::tell_secret\(.*\) {}\n/, secret)).check();
    sources.edit('connections.cpp', above('}\n\nstd::vector<std::string> Connections::clients', leave)).check();
    await sources.checked();
    for (const [name, text] of Object.entries(sources.texts)) {
      assert.equal(text, readFileSync(path.join(root, 'lessons/8/finished/worker', name), 'utf8'), name);
    }
  } finally {
    await sources.remove();
  }
});

test('a client and a server hear of each other, whoever comes first', async () => {
  const client = await connection();
  await client.type(clientData);
  const server = await connection();
  await server.type(serverData.split('\n')[0]);
  const {data: {clients: [bob]}} = await heard(server);
  assert.deepEqual({...bob, id: 0}, {id: 0, name: 'Bob', x: 12, y: 16});
  assert.deepEqual(await heard(client), {data: {}});
  await server.type(serverData.split('\n')[1]);
  assert.deepEqual(await heard(client), {data: {map_id: '1'}});

  // Data is merged.
  await client.type(`conn.send('{"data": {"x": 13}}')`);
  assert.deepEqual(await heard(server), {data: {clients: [{id: bob.id, name: 'Bob', x: 13, y: 16}]}});

  // One who comes later is told at once, and so is the server.
  const late = await connection();
  await late.type(asClient);
  assert.deepEqual(await heard(late), {data: {map_id: '1'}});
  const {data: {clients: [second]}} = await heard(server);
  assert.notEqual(second.id, bob.id);

  // A secret is for one, and does not stay.
  await server.type(tellSecret.replace('"id": 1', `"id": ${second.id}`));
  assert.deepEqual(await heard(late), {data: {clients: [{id: second.id, x: 0.4, y: 0.3}]}});
  await server.type(`conn.send('{"data": {"clients": [{"id": ${second.id}, "x": 1}], "map_id": "2"}}')`);
  assert.deepEqual(await heard(late), {data: {clients: [{id: second.id, x: 1}]}});
  assert.deepEqual(await heard(late), {data: {map_id: '2'}});
  assert.deepEqual(await heard(client), {data: {map_id: '2'}});  // and nothing of the secrets

  await late.type('conn.close()');
  assert.deepEqual(await heard(server), {disconnect: 'client', id: second.id});
  await server.type('conn.close()');
  assert.deepEqual(await heard(client), {disconnect: 'server'});
  for (const tab of [client, server, late]) await tab.close();
});

test('what makes no sense is left alone', async () => {
  const client = await connection();
  for (const text of ['not JSON', '[]', '{"data": {"x": 1}}', '{"connect": "king"}', '{"connect": 5}']) {
    await client.type(`conn.send('${text}')`);
  }
  await client.type(clientData);
  const server = await connection();
  await server.type(serverData.split('\n')[0]);
  assert.equal((await heard(server)).data.clients[0].x, 12);
  await client.type('conn.close()');
  await server.type('conn.close()');
  for (const tab of [client, server]) await tab.close();
});

test('a program that is restarted closes the connections that it does not know', async () => {
  const client = await connection();
  const from = lesson.router.lines.length;
  const line = await lesson.router.line(/Guest +(\d+)\]/);
  process.kill(Number(/Guest +(\d+)\]/.exec(line)[1]), 'SIGKILL');
  await client.says('Closed');
  await lesson.router.line('I registered the procedure "layer.disconnect"', from);
  const again = await connection();
  await again.type(asClient);
  await lesson.router.line('{"connect":"client"}', from);
  for (const tab of [client, again]) await tab.close();
});

test('the game in two tabs: what one presses, the other one sees', async () => {
  const [server, player] = [await browser.open('/8/', lesson), await browser.open('/8/', lesson)];
  await server.type(`document.getElementById('server').click()`);
  await server.says('I am a server');
  // Who is in a hurry presses before there is a connection.
  await player.type(`document.getElementById('client').click(); document.querySelector('[data-by="1,0"]').click()`);
  await server.says(/Player \d+ is here/);
  for (const tab of [server, player]) {
    await tab.page.waitForFunction(() => Number(document.querySelector('#map circle')?.getAttribute('cx')) > 300);
  }
  await player.close();
  await server.says(/Player \d+ is gone/);
  await server.close();
});
