// Lesson 5, step by step: what is said reaches the app, and everybody can see who is there.
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {before as above, behind, instead, Sources} from './build.mjs';
import {blocks, Browser, kTime, Lesson, Services} from './support.mjs';

const [joinAndTalk, whoIsThere] = blocks(5, 'javascript');
const [hearOfTopics, hearWhatIsSaid] = blocks(5, 'json').map((text) => JSON.parse(text));
const [curl] = blocks(5, 'sh');
const topic = 'workshop.chat.some-thread';
let browser;
let lesson;
let services;
let sources;
let made;  // the program that the steps make
const users = {};

before(async () => {
  services = await Services.start({redis: true, apps: [4, 5]});
  browser = await Browser.start();
  sources = new Sources('lesson_5_authenticator', '5/worker');
  made = followTheText();
});
after(async () => {
  await lesson?.stop();
  await browser?.stop();
  await made?.catch(() => {});
  await sources?.remove();
  await services?.stop();
});

function followTheText() {
  const [chat, access, listen, callListen, snoop, store, onSubscribe, redisInclude, redis, onOpen, setSession, setTopic, getUser,
         subscribers, callSubscribers, calls, onUnsubscribe, setInclude] = blocks(5, 'cpp');
  const file = 'authenticator.cpp';
  const atTheEndOf = (next, code) => instead(`}\n\n${next}`, `${code}}\n\n${next}`);
  const newTopic = 'terminal_log("There is a new topic: ';
  sources.check();
  sources.edit(file, above("// A user's token", `${chat}\n`),
               instead('workshop::provide(session, "workshop.permissions"', 'workshop::provide_beside(session, "workshop.permissions"'),
               instead(/    const bool chat =[^]*?    return false;\n/, access)).check();
  sources.edit(file, above('int main', `${listen}\n`), behind('    register_permissions(session);', callListen)).check();
  sources.edit(file, behind(newTopic, snoop)).check();
  sources.edit(file, behind('said in \\""', store)).check();
  sources.edit(file, atTheEndOf('int main', onSubscribe)).check();
  sources.edit(file, behind('#include "common/http.hpp"', redisInclude), above('  workshop::Worker worker', redis),
               instead(/  worker\.on_open[^]*?  }\);\n/, onOpen),
               instead('void register_auth(const workshop::Session& session)',
                       'void register_auth(const workshop::Session& session, workshop::Redis& redis)'),
               instead('std::uint64_t own_session) {', 'std::uint64_t own_session, workshop::Redis& redis) {'),
               instead('"workshop.auth", [](', '"workshop.auth", [session, &redis]('),
               instead(/\[session, own_session\]\(/g, '[session, own_session, &redis]('),
               above('return {{"role", role}, {"secret", token}};', setSession), behind(newTopic, setTopic),
               instead(/    terminal_log\("Session " .*\n/, getUser)).check();
  sources.edit(file, above('int main', `${subscribers}\n`), behind('    register_permissions(session);', callSubscribers),
               instead(/    if \(action == "call" \|\| .*\n/, calls)).check();
  sources.edit(file, atTheEndOf('void register_subscribers', onUnsubscribe), above('#include <stdexcept>', setInclude)).check();
  return sources.program();
}

async function open(name, on = lesson) {
  const tab = await browser.open('/5/', on, `&app=${services.port('APP_4_ADDRESS')}`);
  await tab.says('Nobody is signed in.');
  if (name) {
    await tab.type(`login('${name}', '${users[name].password}'); wsWorkshop.connect()`);
    await tab.says(`as "${name}" with the role "app-user": you are a serf.`);
  }
  return tab;
}

async function subscribe(tab) {
  await tab.type(`wsWorkshop.sub('${topic}')`);
  await tab.says(`Subscriber says: I subscribed to "${topic}"`);
}

// Asks until the answer is the one that is expected: what is in Redis is a moment behind.
async function asksWhoIsThere(tab, expected) {
  const answer = `Caller says: "workshop.subscribers" answered ${JSON.stringify(expected)}`;
  const end = Date.now() + kTime;
  for (let line; line !== answer;) {
    assert.ok(Date.now() < end, `${line}, not ${answer}`);
    await tab.type(whoIsThere);
    line = await tab.says('Caller says: "workshop.subscribers" answered');
  }
}

const messages = () => services.documents('messages').map(({user, thread, message}) => ({user, thread, message}));

test('the text adds a user and a thread', async () => {
  const [user, thread] = (await services.shell(curl)).trim().split('\n').map((line) => JSON.parse(line));
  users[user.name] = user;
  assert.deepEqual(thread, {name: 'my user', thread: 'some-thread', title: 'some thread'});
  assert.equal(services.documents('threads').length, 1);
  const other = await services.shell(curl.replaceAll('my user', 'your user'));
  users['your user'] = JSON.parse(other.split('\n')[0]);
});

test('every step compiles, and what they make is the finished configuration', async () => {
  lesson = await Lesson.start(5, {environment: services.environment});
  await lesson.router.line('I registered the procedure "workshop.permissions"');
  lesson.edit((config) => {
    config.workers[0].realms[0].roles[0].permissions.push(hearOfTopics, hearWhatIsSaid);
    return config;
  });
  lesson.programs.lesson_5_authenticator = await made;
  lesson.edit((config) => config);
  await sources.checked();
  lesson.assertFinished(5);
  await lesson.restart();
  await lesson.router.line('I subscribed to "wamp.subscription.on_unsubscribe"');
});

test('steps 1 to 4: the app says who may use a thread, and keeps what is said', async () => {
  const tab = await open();
  await tab.type(joinAndTalk.replace('the password', users['my user'].password));
  await tab.says('as "my user" with the role "app-user": you are a serf.');
  await tab.says(`Subscriber says: I subscribed to "${topic}"`);
  await tab.says(`Subscriber says: got a message on "${topic}" [Hello to you]`);
  await lesson.router.line(new RegExp(`There is a new topic: "${topic}" \\(\\d+\\)`));
  await lesson.router.line(`[authenticator] "my user" said in "${topic}": "Hello to you"`);
  await lesson.router.line('Saved the message over HTTP');
  assert.deepEqual(messages(), [{user: 'my user', thread: 'some-thread', message: 'Hello to you'}]);

  await tab.type(`wsWorkshop.sub('workshop.chat.another-thread')`);
  await tab.says('Subscriber says: "workshop.chat.another-thread" was refused: wamp.error.not_authorized');
  await services.shell(curl.split('\n')[1].replace('some thread', 'another thread'));
  await tab.type(`wsWorkshop.sub('workshop.chat.another-thread')`);
  await tab.says('Subscriber says: I subscribed to "workshop.chat.another-thread"');

  const other = await open('your user');
  await subscribe(other);
  await other.type(`wsWorkshop.pub('${topic}', 'And to you')`);
  await tab.says(`Subscriber says: got a message on "${topic}" [And to you]`);
  await lesson.router.line('"your user" said in');
  assert.equal(lesson.router.lines.filter((line) => line.includes(`There is a new topic: "${topic}"`)).length, 1);
  await tab.close();
  await other.close();
});

test('what is said while the app is stopped is stored when it is back', async () => {
  const tab = await open('my user');
  const app = services.running['app 5'];
  const said = app.lines.length;
  await tab.type(`wsWorkshop.sub('${topic}').pub('${topic}', 'Is anybody listening?')`);
  await app.line('POST /message 201', said);
  const seen = lesson.router.lines.length;
  await services.stopOne('app 5');
  await tab.type(`wsWorkshop.pub('${topic}', 'Nobody is listening')`);  // that one may is known already
  await lesson.router.line(/Error: POST http:\S+\/message failed: .*trying again every second/, seen);
  await services.startApp(5);
  await lesson.router.line('It works again', seen);
  assert.deepEqual(messages().slice(-2).map(({user, message}) => `${user}: ${message}`),
                   ['my user: Is anybody listening?', 'my user: Nobody is listening']);
  await tab.close();
});

// Who is there, as a learner sees it in two tabs of two users.
async function presence(on) {
  const mine = await open('my user', on);
  const yours = await open('your user', on);
  await subscribe(mine);
  await asksWhoIsThere(mine, ['my user']);
  await subscribe(yours);
  await asksWhoIsThere(mine, ['my user', 'your user']);
  const again = await open('your user', on);
  await subscribe(again);
  await again.close();
  await asksWhoIsThere(mine, ['my user', 'your user']);
  const page = await browser.context.newPage();
  await page.goto(`http://${services.environment.REDIS_PAGE_ADDRESS}/`);
  await page.waitForSelector(`text=${topic}`);
  await page.waitForSelector('text=/^session-\\d+$/');
  await page.close();
  await yours.close();
  await asksWhoIsThere(mine, ['my user']);
  await mine.type(`wsWorkshop.call([], 'workshop.auth')`);
  await mine.says('Caller says: "workshop.auth" failed: wamp.error.not_authorized');
  await mine.close();
}

test('steps 5 to 7: who is there, also after a tab is closed', () => presence(lesson));

test('with the forms of the page it works as well', async () => {
  const tab = await open();
  await tab.page.fill('#sign-in [name=user]', 'my user');
  await tab.page.fill('#sign-in [name=password]', users['my user'].password);
  await tab.page.click('#sign-in button');
  await tab.says('as "my user"');
  await tab.page.click('#chat [name=join]');
  await tab.says(`Subscriber says: I subscribed to "${topic}"`);
  await tab.page.fill('#chat [name=message]', 'From the form');
  await tab.page.press('#chat [name=message]', 'Enter');
  await tab.says(`Subscriber says: got a message on "${topic}" [From the form]`);
  await asksWhoIsThere(tab, ['my user']);
  await tab.page.click('#chat [name=who]');
  await tab.page.waitForFunction(() => document.getElementById('there').textContent === 'my user');
  await tab.close();
});

test('the finished program and configuration do the same', async () => {
  const done = await Lesson.start(5, {state: 'finished', environment: services.environment});
  try {
    await done.router.line('I subscribed to "wamp.subscription.on_unsubscribe"');
    await presence(done);
    await done.router.line('"your user" subscribed to');
  } finally {
    await done.stop();
  }
});
