// Lesson 2, step by step: realms, roles, tickets, WAMP-CRA, with the edits of the configuration that its text gives.
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {blocks, Browser, Lesson} from './support.mjs';

const [first, wrongRealm, asBarryByTicket, asSteveByCra] = blocks(2, 'javascript');
const [realm, ticket] = blocks(2, 'json');
let browser;
let lesson;
let tab;

before(async () => {
  browser = await Browser.start();
  lesson = await Lesson.start(2);
  tab = await browser.open('/2/', lesson);
});
after(async () => {
  await tab?.close();
  await lesson?.stop();
  await browser?.stop();
});

const websocket = (config) => config.workers[0].transports[0].paths.ws;

async function mayOnlySubscribeAndCall(page) {
  await page.type('wsWorkshop.sub()');
  await page.says('Subscriber says: I subscribed to "test"');
  await page.type('wsWorkshop.call()');
  await page.says('Caller says: "test" failed: wamp.error.no_such_procedure');
  await page.type('wsWorkshop.pub()');
  await page.says('Publisher says: "test" was refused: wamp.error.not_authorized');
  await page.type('wsWorkshop.reg()');
  await page.says('Callee says: "test" was refused: wamp.error.not_authorized');
}

async function mayOnlyPublishAndRegister(page) {
  await page.type('wsWorkshop.reg()');
  await page.says('Callee says: I registered "test"');
  await page.type('wsWorkshop.pub()');
  await page.says('Publisher says: "test" got my message [abc]');
  await page.type('wsWorkshop.sub()');
  await page.says('Subscriber says: "test" was refused: wamp.error.not_authorized');
  await page.type('wsWorkshop.call()');
  await page.says('Caller says: "test" failed: wamp.error.not_authorized');
}

test('the helper object publishes, subscribes, registers and calls', async () => {
  await tab.says('with the role "guest": you are a guest.');
  await tab.type(first);
  await tab.says('Publisher says: "test" got my message [abc]');
  await tab.says('Caller says: "test" answered 1');
  await tab.type(`wsWorkshop.sub((args) => console.log('mine', args), 'other.topic').pub('other.topic', {a: 1})`);
  await tab.says('mine [Object]');
  await tab.type(`wsWorkshop.reg('twice', ([x]) => 2 * x).call(21, 'twice')`);
  await tab.says('Caller says: "twice" answered 42');
});

test('a realm that does not exist is refused with the reason', async () => {
  await tab.type(wrongRealm);
  await tab.says('The connection was closed: wamp.error.no_such_realm no realm "nowhere" exists on this router');
});

test('barry and steve sign in by ticket and may do what their roles may', async () => {
  lesson.edit((config) => {
    config.workers[0].realms.push(JSON.parse(realm));
    Object.assign(websocket(config).auth, JSON.parse(`{${ticket}}`));
    return config;
  });
  await lesson.restart();
  await tab.page.reload();
  await tab.says('you are a guest.');
  await tab.type(asBarryByTicket);
  await tab.says('Connected to realm "somewhere-else" as "barry" with the role "seethings": you are a workman.');
  await mayOnlySubscribeAndCall(tab);
  await lesson.router.line(/denied.*barry.*seethings.*publish.*test|denied.*publish.*test.*barry.*seethings/i);
  const other = await browser.open('/2/', lesson);
  await other.says('you are a guest.');
  await other.type(asBarryByTicket.replace('barry', 'steve').replace('notsosecret', 'slightlymoresecret'));
  await other.says('Connected to realm "somewhere-else" as "steve" with the role "dothings"');
  await mayOnlyPublishAndRegister(other);
  await tab.says('Subscriber says: got a message on "test" [abc]');
  await tab.type('wsWorkshop.call()');
  await tab.says('Caller says: "test" answered 1');
  await other.close();
  await tab.type(asBarryByTicket.replace('notsosecret', 'a wrong one'));
  await tab.says('The connection was closed: wamp.error.not_authorized');
  assert.ok(!lesson.router.lines.some((line) => line.includes('notsosecret')), 'tickets are not logged');
});

test('the same with WAMP-CRA', async () => {
  lesson.edit((config) => JSON.parse(JSON.stringify(config)
    .replace('"principals"', '"users"')
    .replaceAll('"ticket":"', '"secret":"')
    .replace('"ticket":{', '"wampcra":{')));
  await lesson.restart();
  await tab.page.reload();
  await tab.says('you are a guest.');
  await tab.type(asSteveByCra);
  await tab.says('Connected to realm "somewhere-else" as "steve" with the role "dothings": you are a workman.');
  await mayOnlyPublishAndRegister(tab);
  await tab.type(asSteveByCra.replace('steve', 'barry').replace('slightlymoresecret', 'notsosecret'));
  await tab.says('as "barry" with the role "seethings"');
  await mayOnlySubscribeAndCall(tab);
  await tab.type(asSteveByCra.replace('slightlymoresecret', 'a wrong one'));
  await tab.says('The connection was closed: wamp.error.not_authorized');
  await tab.type(asBarryByTicket);
  await tab.says('The connection was closed: wamp.error.no_auth_method');
});

test('what the steps make is the finished configuration', () => lesson.assertFinished(2));
