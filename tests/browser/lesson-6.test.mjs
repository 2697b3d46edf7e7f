// Lesson 6, step by step: messages through queues, from the chat to the app, and from the app to everybody.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {before as above, behind, instead, Sources} from './build.mjs';
import {blocks, Browser, builtProgram, Lesson, Process, root, Services} from './support.mjs';

const [joinAndTalk, autoSubscribe] = blocks(6, 'javascript');
const [broadcasterGuest, broadcasterSecret, broadcasterRole] = blocks(6, 'json');
const [curl] = blocks(6, 'sh');
const [addUserAndThread] = blocks(5, 'sh');
const topic = 'workshop.chat.some-thread';
const subscribed = 'I subscribed to "wamp.subscription.on_unsubscribe"';
let browser;
let lesson;
let services;
let user;
const sources = {};  // of each program
const made = {};  // programs after their last step

before(async () => {
  services = await Services.start({redis: true, apps: [4, 5]});
  browser = await Browser.start();
  sources.service = new Sources('lesson_6_zmq', '6/zmq');
  sources.authenticator = new Sources('lesson_6_authenticator', '6/worker');
  sources.app = new Sources('lesson_6_app', '6/app');
  sources.broadcaster = new Sources('lesson_6_broadcaster', '6/worker');
  followTheText();
  [user] = (await services.shell(addUserAndThread)).split('\n').map((line) => line && JSON.parse(line));
});
after(async () => {
  await lesson?.stop();
  await browser?.stop();
  await Promise.allSettled(Object.values(made));
  for (const one of Object.values(sources)) await one.remove();
  await services?.stop();
});

function followTheText() {
  const [loop, chrono, pull, zmqInclude, storage, send, save, appInclude, pushEnd, push, receiver, receive, publish, permission] =
    blocks(6, 'cpp');
  const {service, authenticator, app, broadcaster} = sources;
  service.edit('zmq.cpp', instead(/  terminal_log\("I have nothing[^]*?return 0;\n/, loop), above('#include <string>', chrono)).check();
  service.edit('zmq.cpp', above('  return loop.run();', pull)).check();
  service.edit('zmq.cpp', behind('terminal_log("Got " + message);', save));
  made.service = service.program();
  authenticator.edit('listener.hpp', behind('#include "common/wamp.hpp"', zmqInclude), behind('workshop::Redis& redis_;', storage));
  authenticator.edit('listener.cpp', instead(/  run_beside\(session_, "messages"[^]*?\n}\n/, `${send}}\n`));
  authenticator.edit('auth.cpp', behind('if (action == "call")', permission));
  made.authenticator = authenticator.program();
  app.edit('app.cpp', behind('#include "common/users.hpp"', appInclude), above('  app.post(', pushEnd),
           above('    response.status = 204;', push));
  made.app = app.program();
  broadcaster.edit('broadcaster.cpp', above('  worker.on_open', receiver), behind('terminal_log("Connection open:', receive)).check();
  broadcaster.edit('broadcaster.cpp', behind('terminal_log("Received', publish));
  made.broadcaster = broadcaster.program();
}

async function signedIn(on = lesson) {
  const tab = await browser.open('/6/', on, `&app=${services.port('APP_4_ADDRESS')}`);
  await tab.says('Nobody is signed in.');
  await tab.type(joinAndTalk.replace('the password', user.password));
  await tab.says('as "my user" with the role "app-user": you are a serf.');
  await tab.says(`Subscriber says: got a message on "${topic}" [Hello to you]`);
  return tab;
}

const startService = async (program) => services.startProgram('zmq', await program, [], 'Listening for ZeroMQ messages');
const said = () => services.documents('messages').map(({user, message}) => `${user}: ${message}`);

test('before the first step the service ends at once', async () => {
  assert.equal(await new Process(builtProgram('lesson_6_zmq'), []).ended, 0);
});

test('steps 1 to 3: what is said reaches the service', async () => {
  await startService(made.service);
  await services.running.zmq.line('The loop runs; I will say so every five minutes');
  const programs = {lesson_6_authenticator: await made.authenticator};
  lesson = await Lesson.start(6, {environment: services.environment, programs});
  await lesson.router.line(subscribed);
  const tab = await signedIn();
  await lesson.router.line('Put the message into the outbox, to be saved');
  await services.running.zmq.line(/Got {"id":"[^"]+","message":"Hello to you","thread":"some-thread","user":"my user"}/);
  await tab.close();
});

test('step 4: the service saves it, also what was said while it was away', async () => {
  await services.stopOne('zmq');
  const tab = await signedIn();
  await tab.type(`wsWorkshop.pub('${topic}', 'Is anybody listening?')`);
  await lesson.router.line('said in "workshop.chat.some-thread": "Is anybody listening?"');
  const service = await startService(made.service);
  await service.line(/Got {"id":"[^"]+","message":"Is anybody listening\?"/);
  await service.line('Saved the message', service.lines.findIndex((line) => line.includes('Is anybody')));
  assert.deepEqual(said(), ['my user: Hello to you', 'my user: Hello to you', 'my user: Is anybody listening?']);
  await tab.close();
});

test('step 5: the app takes a broadcast from those who know the password', async () => {
  await services.startApp(6, await made.app);
  assert.match(await services.shell(curl), /^HTTP\/1.1 204/);
  assert.match(await services.shell(curl.replace('abc123', 'abc124')), /^HTTP\/1.1 403/);
});

test('steps 6 and 7: the broadcaster gets it, also what was sent before it was there', async () => {
  lesson.programs.lesson_6_broadcaster = await made.broadcaster;
  lesson.edit((config) => {
    const [router] = config.workers;
    config.workers.push(JSON.parse(broadcasterGuest));
    Object.assign(router.transports[1].auth.wampcra.users, JSON.parse(`{${broadcasterSecret}}`));
    router.realms[0].roles.splice(-1, 0, JSON.parse(broadcasterRole));
    return config;
  });
  await lesson.restart();
  await lesson.router.line(subscribed);
  await lesson.router.line('[broadcaster] Received "Test broadcast"');
  await lesson.router.line(/PUBLISH .*workshop.broadcast/);
});

test('step 8: everybody hears it who loads the page', async () => {
  const script = readFileSync(path.join(root, 'public/6/script.js'), 'utf8');
  await browser.context.route('**/6/script.js', (route) =>
    route.fulfill({contentType: 'text/javascript', body: behind('wsWorkshop.onOpen = ', autoSubscribe)(script)}));
  const tabs = [await signedIn(), await signedIn()];
  for (const tab of tabs) await tab.says('Subscriber says: I subscribed to "workshop.broadcast"');
  assert.match(await services.shell(curl.replace('Test broadcast', 'To all of you')), /^HTTP\/1.1 204/);
  for (const tab of tabs) await tab.says('Subscriber says: got a message on "workshop.broadcast" [To all of you]');
  await tabs[0].type(`wsWorkshop.pub('workshop.broadcast', 'By me')`);
  await tabs[0].says('Publisher says: "workshop.broadcast" was refused: wamp.error.not_authorized');
  for (const tab of tabs) await tab.close();
});

test('every step compiles, and what they make is the finished configuration', async () => {
  for (const one of Object.values(sources)) await one.checked();
  lesson.assertFinished(6);
});

test('the finished programs and configuration do the same', async () => {
  await lesson.stop();
  lesson = null;
  for (const name of ['zmq', 'app 6']) await services.stopOne(name);
  const service = await startService(builtProgram('lesson_6_zmq_finished'));
  await services.startApp(6, builtProgram('lesson_6_app_finished'));
  lesson = await Lesson.start(6, {state: 'finished', environment: services.environment});
  await lesson.router.line(subscribed);
  await lesson.router.line('Listening for ZeroMQ messages');
  const tab = await signedIn();
  await service.line('Saved the message');
  await services.shell(curl);
  await tab.says('Subscriber says: got a message on "workshop.broadcast" [Test broadcast]');
  await tab.close();
});
