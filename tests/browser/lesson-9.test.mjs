// Lesson 9, step by step: one state of the world, kept in a store.
import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {promisify} from 'node:util';
import {instead, Sources} from './build.mjs';
import {blocks, Browser, freePort, kTime, Lesson, root, Tab} from './support.mjs';

const [curl] = blocks(9, 'sh');
let browser;
let lesson;
let port;
const db = mkdtempSync(path.join(tmpdir(), 'cage-'));

before(async () => {
  browser = await Browser.start();
  port = await freePort();
  lesson = await Lesson.start(9, {state: 'finished', replace: {3333: port}, environment: {WORKSHOP_DB: db}});
  await lesson.router.line('I registered the procedure "cage.connections"');
});
after(async () => {
  await lesson?.stop();
  await browser?.stop();
  rmSync(db, {recursive: true, force: true});
});

const stored = () => readdirSync(path.join(db, 'cage-connections/data')).map((name) => name.replace('.json', ''));
const open = async () => Tab.open(await browser.context.newPage(), `http://localhost:${port}/`);
const faces = (tab, count) => tab.page.waitForFunction((n) => document.querySelectorAll('.face').length === n, count);
const ownId = (tab) => tab.page.waitForFunction(() => document.querySelector('.face use[href="#hat"]')?.parentNode.id)
  .then((handle) => handle.jsonValue());
const isAt = (tab, id, place) => tab.page.waitForFunction(([i, p]) => document.getElementById(i)?.dataset.place === p, [id, place]);

async function connections() {
  const {stdout} = await promisify(execFile)('bash', ['-ec', curl.replace('3333', port)]);
  return JSON.parse(stdout);
}

async function until(check) {
  for (const end = Date.now() + kTime; ;) {
    if (await check()) return;
    assert.ok(Date.now() < end, check.toString());
  }
}

test('the steps lead from the start to the finished program', async () => {
  const sources = new Sources('lesson_9_cage', '9/worker');
  try {
    sources.check();
    for (const block of blocks(9, 'cpp')) {
      const name = /void World::(\w+)/.exec(block)[1];
      sources.edit('world.cpp', instead(new RegExp(`void World::${name}\\(.*\\) {}\n`), block)).check();
    }
    await sources.checked();
    for (const [name, text] of Object.entries(sources.texts)) {
      assert.equal(text, readFileSync(path.join(root, 'lessons/9/finished/worker', name), 'utf8'), name);
    }
  } finally {
    await sources.remove();
  }
});

test('everybody sees everybody move, come and go', async () => {
  assert.deepEqual(await connections(), []);
  const first = await open();
  await faces(first, 1);
  const second = await open();
  await faces(first, 2);
  await faces(second, 2);
  const id = await ownId(second);
  await second.page.click('#left');
  await isAt(first, id, '40,50');
  await second.page.click('#down');
  await isAt(first, id, '40,60');
  assert.deepEqual((await connections()).find((one) => one.connectionId === id),
                   {connectionId: id, x: 40, y: 60, direction: 'down'});
  await until(() => stored().length === 2);
  await second.close();
  await faces(first, 1);
  assert.equal((await connections()).length, 1);
  await until(() => stored().length === 1);
  await first.close();
  await until(async () => (await connections()).length === 0);
});

test('a new run of the program has the world from the store, but for those who have left', async () => {
  const [stays, leaves] = [await open(), await open()];
  await faces(stays, 2);
  await faces(leaves, 2);
  const [id, gone] = [await ownId(stays), await ownId(leaves)];
  await stays.page.click('#right');
  await isAt(leaves, id, '60,50');
  await until(() => stored().length === 2);
  const kill = async (action) => {
    const from = lesson.router.lines.length;
    const pids = lesson.router.lines.map((line) => /\[Guest +(\d+)\]/.exec(line)?.[1]).filter((pid) => pid);
    process.kill(Number(pids.pop()), 'SIGKILL');
    await action();
    await lesson.router.line('I registered the procedure "cage.connections"', from);
  };
  await kill(() => leaves.close());
  await faces(stays, 1);
  assert.equal(await stays.page.evaluate((i) => document.getElementById(i).dataset.place, id), '60,50');
  await until(() => stored().length === 1 && stored()[0] === id && id !== gone);
  await stays.page.click('#up');
  await isAt(stays, id, '60,40');
  await stays.close();
});

test('one may be told where everybody is before one is told who one is', async () => {
  const page = await browser.context.newPage();
  const connections = [{connectionId: 'me', x: 20, y: 30}];
  await page.route('**/connections', (route) => route.fulfill({json: connections}));
  await page.routeWebSocket('**/ws', (socket) => {
    socket.onMessage(() => [{connections}, {you: 'me'}].forEach((message) => socket.send(JSON.stringify(message))));
  });
  const tab = await Tab.open(page, `http://localhost:${port}/`);
  assert.equal(await ownId(tab), 'me');
  await tab.close();
});
