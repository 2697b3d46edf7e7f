// Lesson 3: the C++ client, built from the steps of the text, and the page that talks to it.
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {behind, instead, Sources} from './build.mjs';
import {blocks, Browser, builtProgram, Lesson, Process} from './support.mjs';

let browser;
let lesson;
let client;

before(async () => {
  browser = await Browser.start();
  lesson = await Lesson.start(3);
});
after(async () => {
  await lesson?.stop();
  await browser?.stop();
  await client?.remove();
});

test('every step of the text compiles; the last one signs in, listens, answers and adds', async () => {
  const [connect, listen, answer, add] = blocks(3, 'cpp');
  client = new Sources('lesson_3_client', '3/worker');
  client.edit('client.cpp', () => connect).check();
  client.edit('client.cpp', behind('Connection open', listen)).check();
  client.edit('client.cpp', behind('Subscriber says: received', answer)).check();
  client.edit('client.cpp', instead('  });\n  return worker.run()', `${add}  });\n  return worker.run()`),
              instead('ws://127.0.0.1:8003/ws', `ws://127.0.0.1:${lesson.port}/ws`));
  const built = await client.program();
  await client.checked();
  await talk(built, 'Procedure says: the sum is 6');
});

test('the finished client does the same', () =>
  talk(builtProgram('lesson_3_client_finished'), 'Procedure says: the sum of 3 numbers is 6'));

async function talk(program, sum) {
  const robot = new Process(program, [], {env: {...process.env, ROUTER_URL: `ws://127.0.0.1:${lesson.port}/ws`}});
  await robot.line('Connection open: I am "alan" with the role "robot"');
  await robot.line('Subscriber says: I subscribed to "test"');
  await robot.line('Procedure says: I registered "add"');
  const tab = await browser.open('/3/', lesson);
  await tab.says('with the role "guest"');
  await tab.type('wsWorkshop.sub()');
  await tab.says('Subscriber says: I subscribed to "test"');
  await tab.type('wsWorkshop.pub()');
  await tab.says('Subscriber says: got a message on "test" [Hello, robot]');
  await tab.says('Subscriber says: got a message on "test" [I am a robot]');
  await robot.line('Subscriber says: received "Hello, robot"');
  await tab.type('wsWorkshop.call()');
  await tab.says('Caller says: "add" answered 6');
  await robot.line(sum);
  await tab.type('wsWorkshop.call([20, 22])');
  await tab.says('Caller says: "add" answered 42');
  await tab.type(`wsWorkshop.call(['two', 'words'])`);
  await tab.says('Caller says: "add" failed: ');
  await tab.type('wsWorkshop.reg()');
  await tab.says('Callee says: "add" was refused: wamp.error.not_authorized');
  const lines = lesson.router.lines.length;
  assert.equal(await robot.stop(), 0);
  await lesson.router.line(/left realm .*authid "alan"/, lines);
  await tab.type('wsWorkshop.call()');
  await tab.says('Caller says: "add" failed: wamp.error.no_such_procedure');
  await tab.close();
}
