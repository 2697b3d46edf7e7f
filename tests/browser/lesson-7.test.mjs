// Lesson 7, step by step: two tabs find each other through the router and then talk without it.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {before as above, behind, instead} from './build.mjs';
import {blocks, Browser, Lesson, root, Tab} from './support.mjs';

const [permissions] = blocks(7, 'json');
const [whoIsThere, callAndAnswer, register, buttons, sendCandidate, takeCandidate, described, dataChannel, ourChannel, useChannel] =
  blocks(7, 'javascript');
let browser;
let lesson;
let script = readFileSync(path.join(root, 'public/7/script.js'), 'utf8');

before(async () => {
  browser = await Browser.start();
  lesson = await Lesson.start(7);
  await browser.context.route('**/7/script.js', (route) => route.fulfill({contentType: 'text/javascript', body: script}));
});
after(async () => {
  await browser?.stop();
  await lesson?.stop();
});

const atTheEndOf = (start, code) => (text) => {
  const end = text.indexOf('\n};\n', text.indexOf(start)) + 1;
  return text.slice(0, end) + code + text.slice(end);
};
const edit = (...changes) => {
  for (const change of changes) script = change(script);
};

// A tab with its session.
async function opened(address = '/7/') {
  const tab = await browser.open(address, lesson);
  tab.id = /session (\d+)/.exec(await tab.says('Connected to realm "ws-workshop"'))[1];
  return tab;
}

const sees = (tab, other) => tab.page.waitForSelector(`#tabs li:has-text("${other.id}")`);
const seesNobody = (tab) => tab.page.waitForSelector('#tabs li:has-text("nobody that we know of")');
const press = (tab, other) => tab.page.click(`#tabs li:has-text("${other.id}") button:enabled`);
const saw = (tab, who, text) => tab.page.waitForSelector(`#said p:has-text("${who}: ${text}")`);

async function say(tab, text) {
  await tab.page.fill('#chat [name=message]', text);
  await tab.page.click('#chat button:enabled');
}

async function talk(tabs) {
  const [one, two] = tabs;
  for (const [from, to] of [[one, two], [two, one]]) {
    await say(from, `Hello from ${from.id}`);
    await saw(to, from.id, `Hello from ${from.id}`);
  }
}

test('before the first step a tab is connected and knows of nobody', async () => {
  const tab = await opened();
  assert.equal(await tab.page.textContent('#me'), tab.id);
  await seesNobody(tab);
  await tab.close();
});

test('step 1: the tabs see who comes and who goes', async () => {
  lesson.edit((config) => {
    config.workers[0].realms[0].roles[0].permissions.push(...JSON.parse(`[${permissions}]`));
    return config;
  });
  await lesson.restart();
  lesson.assertFinished(7);
  edit(atTheEndOf('connection.onopen', whoIsThere));
  const one = await opened();
  await seesNobody(one);
  const two = await opened();
  await sees(one, two);
  await sees(two, one);
  await two.close();
  await seesNobody(one);
  await one.close();
});

test('step 2: an offer is called for an answer, and that is all', async () => {
  edit(above('connection.onopen', `${callAndAnswer}\n`), above('  const others', register),
       instead('  const show = () => page.showTabs(others);\n', buttons));
  const one = await opened();
  const two = await opened();
  await sees(one, two);
  await press(one, two);
  await one.says(`I call ${two.id}.`);
  await two.says(`${one.id} calls me.`);
  await one.page.waitForFunction((id) => peers.get(id)?.signalingState === 'stable', Number(two.id));
  await two.close();
  await seesNobody(one);
  await one.type(`call(connection.session, ${two.id})`);
  await one.says(`${two.id} cannot be called: wamp.error.no_such_procedure`);
  await one.close();
});

test('step 3: with the candidates they are connected', async () => {
  edit(above('  peers.set', sendCandidate), above('  await session.register', takeCandidate), above('function newPeer', `${described}\n`));
  const one = await opened();
  const two = await opened();
  const three = await opened();
  await three.type(`connection.session.subscribe('workshop.rtc.candidate', () => console.log('that was not for me'))`);
  await sees(two, one);
  await press(two, one);
  for (const [tab, other] of [[one, two], [two, one]]) await tab.says(`The connection with ${other.id} is connected.`);
  assert.ok(!three.lines.includes('that was not for me'));
  for (const tab of [three, one, two]) await tab.close();
});

test('step 4: they talk, also when there is no router any more', async () => {
  edit(above('  peers.set', dataChannel), instead(`  peer.createDataChannel('chat');\n`, ourChannel),
       above('function newPeer', `${useChannel}\n`));
  const tabs = [await opened(), await opened()];
  await sees(tabs[0], tabs[1]);
  await press(...tabs);
  for (const [tab, other] of [tabs, [...tabs].reverse()]) await tab.says(`The data channel with ${other.id} is open.`);
  const before = lesson.router.lines.length;
  await talk(tabs);
  await lesson.router.stop();
  assert.ok(!lesson.router.lines.slice(before).some((line) => line.includes('PUBLISH') || line.includes('Hello')));
  for (const tab of tabs) await tab.says('No connection to the router');
  await talk(tabs);
  await tabs[1].close();
  await tabs[0].says(`The data channel with ${tabs[1].id} is closed.`);
  await tabs[0].page.waitForSelector('#chat button:disabled');
  await tabs[0].close();
});

test('the finished page and configuration do the same, and two may call each other at once', async () => {
  await lesson.stop();
  lesson = await Lesson.start(7, {state: 'finished'});
  const tabs = [await opened('/7/finished/'), await opened('/7/finished/'), await opened('/7/finished/')];
  for (const tab of tabs) for (const other of tabs) if (tab !== other) await sees(tab, other);
  const [one, two, three] = tabs;
  // Both have made their offers before either hears of the other's.
  for (const tab of [one, two]) {
    await tab.type(`const ask = connection.session.call.bind(connection.session);
      connection.session.call = (...all) => new Promise((resolve) => window.goOn = () => resolve(ask(...all)))`);
  }
  await press(one, two);
  await press(two, one);
  for (const tab of [one, two]) await tab.page.waitForFunction(() => window.goOn);
  for (const tab of [one, two]) await tab.type('goOn()');
  for (const [tab, other] of [[one, two], [two, one]]) await tab.says(`The data channel with ${other.id} is open.`);
  await talk([one, two]);
  assert.ok(!tabs.some((tab) => tab.lines.some((line) => line.includes('cannot be called'))));

  await press(three, one);
  await three.says(`The data channel with ${one.id} is open.`);
  await say(one, 'to all');
  for (const tab of [two, three]) await saw(tab, one.id, 'to all');
  await one.close();
  for (const tab of [two, three]) await tab.says(`The data channel with ${one.id} is closed.`);
  for (const tab of [two, three]) await tab.close();
});

test('who is heard to leave before the list of those who are there has come is not shown', async () => {
  const one = await opened('/7/finished/');
  const page = await browser.context.newPage();
  await page.addInitScript(() => {
    const [result, event] = [50, 36];
    window.WebSocket = class extends WebSocket {
      set onmessage(handler) {
        super.onmessage = (message) => {
          const [type] = JSON.parse(message.data);
          if (type === result) {  // it stays on its way until somebody is gone
            window.arrive = () => handler(message);
            return;
          }
          handler(message);
          if (type !== event || !window.arrive) return;
          const arrive = window.arrive;
          window.arrive = null;
          arrive();
        };
      }
    };
  });
  const late = await Tab.open(page, `http://localhost:${browser.port}/7/finished/?port=${lesson.port}`);
  await page.waitForFunction(() => window.arrive);
  await one.close();
  await page.waitForSelector('#tabs li');
  const three = await opened('/7/finished/');
  await sees(late, three);
  assert.ok(!(await page.textContent('#tabs')).includes(one.id));
  await three.close();
  await seesNobody(late);
  await late.close();
});
