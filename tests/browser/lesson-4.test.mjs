// Lesson 4, step by step: a guest worker that decides who may join, and what they may do.
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {before as above, behind, instead, Sources} from './build.mjs';
import {blocks, Browser, Lesson, Services} from './support.mjs';

const [wontWork, asAnybody, asAlice, asBob, subscribeToChat, logIn, logInAndConnect] = blocks(4, 'javascript');
const [guest, door, wampcra, roles, uri, permissionsUser, appUser] = blocks(4, 'json').map((text) => text.trim());
const [curl] = blocks(4, 'sh');
const refused = 'The connection was closed: wamp.error.not_authorized';
let browser;
let lesson;
let services;
let sources;
let tab;
let user;

// The program after each step; the last one's, which has what the third and fourth add, is run for these too.
let letsEverybodyIn;
let finished;

before(async () => {
  services = await Services.start();
  browser = await Browser.start();
  const [main, registerAuth, details, includes, users, answer, bob, permissions, register, http, askApp] = blocks(4, 'cpp');
  const file = 'authenticator.cpp';
  sources = new Sources('lesson_4_authenticator', '4/worker').check();
  sources.edit(file, instead(/int main[^]*/, main), above('int main', `${registerAuth}\n`)).check();
  letsEverybodyIn = sources.program();
  sources.edit(file, behind('"workshop.auth", [](const Json& args)', details)).check();
  sources.edit(file, behind('#include <string>', includes), above('#include "common/wamp.hpp"', '#include "common/table.hpp"\n'),
               above('void register_auth', `${users}\n`), instead(/    \/\/ Everybody gets in[^]*?"abc"}};\n/, answer)).check();
  sources.edit(file, behind('name == "alice"', bob), above('int main', `${permissions}\n`),
               behind('register_auth(session);', register)).check();
  sources.edit(file, above('#include "common/table.hpp"', http), above('throw std::runtime_error', askApp)).check();
  finished = sources.program();
  lesson = await Lesson.start(4, {environment: services.environment});
  tab = await browser.open('/4/', lesson, `&app=${services.port('APP_4_ADDRESS')}`);
});
after(async () => {
  await tab?.close();
  await lesson?.stop();
  await browser?.stop();
  await Promise.allSettled([letsEverybodyIn, finished]);
  await sources?.remove();
  await services?.stop();
});

const realm = (config) => config.workers[0].realms[0];

async function restart(line = 'I registered the procedure "workshop.permissions"') {
  await lesson.restart();
  await lesson.router.line(line);
  await tab.page.reload();
  await tab.says('Nobody is signed in.');
}

test('step 1: the configuration has an authenticator that is not there: nobody gets in', async () => {
  lesson.edit((config) => {
    const [web] = config.workers[0].transports;
    config.workers.push(JSON.parse(guest));
    config.workers[0].transports.push(JSON.parse(door));
    delete web.paths.ws.auth.anonymous;
    Object.assign(web.paths.ws.auth, JSON.parse(`{${wampcra}}`));
    Object.assign(realm(config), JSON.parse(`{${roles}}`));
    return config;
  });
  await restart('I was started with 4 arguments and have nothing to do yet');
  await tab.type(wontWork);
  await tab.says('The connection was closed: wamp.error.no_such_procedure');
});

test('step 2: everybody gets in who knows the secret, under any name', async () => {
  lesson.programs.lesson_4_authenticator = await letsEverybodyIn;
  lesson.edit((config) => config);
  await restart('I registered the procedure "workshop.auth"');
  await lesson.router.line('Connection open: I have the role "authenticator"');
  await tab.type(asAnybody);
  await tab.says('Connected to realm "ws-workshop" as "whatever" with the role "basic-user": you are a commoner.');
  await tab.type(wontWork);
  await tab.says(refused);
});

test('step 3: alice is in, with the permissions of her role; others are not any more', async () => {
  lesson.programs.lesson_4_authenticator = await finished;
  lesson.edit((config) => {
    Object.assign(realm(config).roles[0].permissions[0], JSON.parse(`{${uri.replace(/,$/, '')}}`));
    return config;
  });
  await restart();
  await tab.type(asAlice);
  await tab.says('as "alice" with the role "basic-user": you are a commoner.');
  await lesson.router.line(/"alice" asks to join the realm "ws-workshop" as session \d+/);
  await lesson.router.line('"alice" has the role "basic-user"');
  await tab.type(`wsWorkshop.sub('workshop.any').pub('workshop.any', 1).sub('test').reg('workshop.any').call([], 'workshop.any')`);
  await tab.says('Subscriber says: I subscribed to "workshop.any"');
  await tab.says('Subscriber says: got a message on "workshop.any" [1]');
  for (const denied of ['Subscriber says: "test" was refused', 'Callee says: "workshop.any" was refused',
                        'Caller says: "workshop.any" failed']) {
    await tab.says(`${denied}: wamp.error.not_authorized`);
  }
  await tab.type(asAlice.replace('changeme', 'another one'));
  await tab.says(refused);
  await tab.type(asAnybody);
  await tab.says(refused);
  assert.ok(!lesson.router.lines.some((line) => line.includes('changeme')), 'secrets are not logged');
});

test('step 4: what bob may do is decided one by one', async () => {
  lesson.edit((config) => {
    realm(config).roles.splice(2, 0, JSON.parse(permissionsUser));
    return config;
  });
  await restart();
  await tab.type(asBob);
  await tab.says('as "bob" with the role "permissions-user": you are a prince.');
  await tab.says('Subscriber says: "test" was refused: wamp.error.not_authorized');
  for (let i = 0; i < 2; ++i) {
    await tab.type(subscribeToChat);
    await tab.says('Subscriber says: I subscribed to "workshop.chat"');
  }
  await tab.type(`wsWorkshop.pub('workshop.chat').pub('workshop.else').reg('workshop.chat').call([], 'workshop.chat')`);
  await tab.says('Publisher says: "workshop.chat" got my message');
  for (const denied of ['Publisher says: "workshop.else" was refused', 'Callee says: "workshop.chat" was refused',
                        'Caller says: "workshop.chat" failed']) {
    await tab.says(`${denied}: wamp.error.not_authorized`);
  }
  const asked = (what) => lesson.router.lines.filter((line) => line.includes(`[authenticator] "bob" wants to ${what}`));
  await lesson.router.line('"bob" wants to call: workshop.chat');
  assert.equal(asked('subscribe: workshop.chat').length, 1, 'a yes is kept');
  assert.equal(asked('subscribe: test').length, 1);
});

test('step 5: users of the app log in there, and join with the token they get', async () => {
  await services.startApp(4);
  const [hello, answer] = (await services.shell(curl)).split('\n');
  assert.equal(hello, 'Hello, whatever');
  user = JSON.parse(answer);
  assert.equal(user.name, 'my user');
  assert.deepEqual(services.documents('users').map(({name, token}) => ({name, token})), [{name: 'my user', token: user.token}]);
  lesson.edit((config) => {
    realm(config).roles.splice(3, 0, JSON.parse(appUser));
    return config;
  });
  await restart();
  await tab.type(logIn);
  await tab.says('Login says: no, wrong name or password');
  await tab.type(logIn.replace('the password', user.password));
  await tab.says('Login says: welcome, my user.');
  await tab.type(logInAndConnect.replace('the password', user.password));
  await tab.says('as "my user" with the role "app-user": you are a serf.');
  await tab.type(subscribeToChat);
  await tab.says('Subscriber says: I subscribed to "workshop.chat"');
  const all = lesson.router.lines.join('\n') + services.running['app 4'].lines.join('\n');
  assert.ok(!all.includes(user.token) && !all.includes(user.password), 'secrets are not logged');
});

test('without the app its users cannot join, and the log says why; the others can', async () => {
  await services.stopOne('app 4');
  await tab.type(`wsWorkshop.setAuth('my user', ${JSON.stringify(user.token)}).connect()`);
  await tab.says(refused);
  await lesson.router.line(/\[authenticator\] Error: GET http:\S+\/auth failed/);
  await tab.type(logIn);
  await tab.says('cannot be reached. Is it running (bin/run-app)?');
  await tab.type(asAlice);
  await tab.says('as "alice"');
});

test('with the form it works as well', async () => {
  await services.startApp(4);
  await tab.page.fill('#sign-in [name=user]', 'my user');
  await tab.page.fill('#sign-in [name=password]', user.password);
  await tab.page.click('#sign-in button');
  await tab.says('as "my user" with the role "app-user"');
});

test('every step compiles, and what they make is the finished configuration', async () => {
  await sources.checked();
  lesson.assertFinished(4);
});

test('the finished program and configuration do the same', async () => {
  const done = await Lesson.start(4, {state: 'finished', environment: services.environment});
  try {
    await done.router.line('I registered the procedure "workshop.permissions"');
    const other = await browser.open('/4/', done, `&app=${services.port('APP_4_ADDRESS')}`);
    await other.type(logInAndConnect.replace('the password', user.password));
    await other.says('as "my user" with the role "app-user": you are a serf.');
    await other.type(asBob);
    await other.says('as "bob" with the role "permissions-user"');
    await other.type(subscribeToChat);
    await other.says('Subscriber says: I subscribed to "workshop.chat"');
    await other.close();
  } finally {
    await done.stop();
  }
});
