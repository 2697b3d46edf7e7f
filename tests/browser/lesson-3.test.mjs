// Lesson 3: the C++ client, built from the steps of the text, and the page that talks to it.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {blocks, Browser, Lesson, Process, program, root} from './support.mjs';

const build = path.dirname(path.dirname(program));
let browser;
let lesson;
let folder;

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'worker-'));
  browser = await Browser.start();
  lesson = await Lesson.start(3);
});
after(async () => {
  await lesson?.stop();
  await browser?.stop();
  rmSync(folder, {recursive: true, force: true});
});

// The learner's file after each step of the text.
function steps() {
  const [connect, listen, answer, add] = blocks(3, 'cpp');
  const behindLine = (text, line, code) => {
    const at = text.indexOf('\n', text.indexOf(line)) + 1;
    assert.ok(text.includes(line), line);
    return text.slice(0, at) + code + text.slice(at);
  };
  const one = connect;
  const two = behindLine(one, 'Connection open', listen);
  const three = behindLine(two, 'Subscriber says: received', answer);
  const end = three.lastIndexOf('  });\n  return worker.run()');
  return [one, two, three, three.slice(0, end) + add + three.slice(end)];
}

// The commands that build the lesson's client, as words. The precompiled header belongs to the target's own file.
function commands() {
  const all = execFileSync('ninja', ['-C', build, '-t', 'commands', 'lesson_3_client'], {encoding: 'utf8'});
  const lines = all.split('\n').filter((line) => line.includes('lesson_3_client.dir/'));
  const words = (line) => line.slice(line.search(/\S*(c\+\+|g\+\+)\s/)).split(' ').filter((word) => word && word !== '&&' && word !== ':');
  const compile = words(lines.find((line) => line.includes('client.cpp.o -c')));
  return {
    compile: compile.filter((word, i) => !/cmake_pch|^-Winvalid-pch$|^-include$|^-M|\.d$/.test(word) &&
                                         !/^-(o|c|MT|MF)$/.test(compile[i - 1]) && !/^-[oc]$/.test(word)),
    link: words(lines[lines.length - 1]),
  };
}

test('every step of the text compiles; the last one signs in, listens, answers and adds', async () => {
  const {compile, link} = commands();
  const run = ([command, ...words]) => execFileSync(command, words, {cwd: build, stdio: ['ignore', 'inherit', 'inherit']});
  const states = steps();
  for (const [i, text] of states.entries()) {
    const source = path.join(folder, `step-${i + 1}.cpp`);
    writeFileSync(source, text.replace('ws://127.0.0.1:8003/ws', `ws://127.0.0.1:${lesson.port}/ws`));
    const last = i === states.length - 1;
    const quick = compile.map((word) => (word === '-O3' ? '-O0' : word));
    run([...quick, source, ...(last ? ['-c', '-o', path.join(folder, 'client.o')] : ['-fsyntax-only'])]);
  }
  run(link.map((word, i) => (word.endsWith('client.cpp.o') ? path.join(folder, 'client.o') :
                             link[i - 1] === '-o' ? path.join(folder, 'client') : word)));
  await talk(path.join(folder, 'client'), 'Procedure says: the sum is 6');
});

test('the finished client does the same', () =>
  talk(path.join(build, 'bin/lesson_3_client_finished'), 'Procedure says: the sum of 3 numbers is 6'));

async function talk(client, sum) {
  const robot = new Process(client, [], {env: {...process.env, ROUTER_URL: `ws://127.0.0.1:${lesson.port}/ws`}});
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
  assert.equal(await robot.stop(), 0);
  await tab.type('wsWorkshop.call()');
  await tab.says('Caller says: "add" failed: wamp.error.no_such_procedure');
  await tab.close();
}
