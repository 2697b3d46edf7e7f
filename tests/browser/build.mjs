// Builds the lessons' programs from files that are edited as the lessons' texts tell.
import assert from 'node:assert/strict';
import {execFile, execFileSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {promisify} from 'node:util';
import {program, root} from './support.mjs';

export const build = path.dirname(path.dirname(program));
const kAtATime = 2;  // compilers

let running = 0;
const waiting = [];
async function atATime(job) {
  if (running === kAtATime) await new Promise((resolve) => waiting.push(resolve));
  else ++running;
  try {
    return await job();
  } finally {
    if (waiting.length > 0) waiting.shift()();
    else --running;
  }
}

async function run([command, ...words], cwd) {
  try {
    await promisify(execFile)(command, words, {cwd});
  } catch (error) {
    throw new Error(`${command} failed in ${cwd}:\n${error.stderr}`);
  }
}

// A copy of the sources of a program of the lessons (its target's name is like lesson_4_authenticator), for edits.
export class Sources {
  constructor(target, folder) {
    this.target = target;
    this.folder = mkdtempSync(path.join(tmpdir(), 'sources-'));
    this.steps = 0;
    this.checks = [];
    this.texts = {};
    this.changed = new Set();
    for (const name of readdirSync(path.join(root, 'lessons', folder))) {
      this.texts[name] = readFileSync(path.join(root, 'lessons', folder, name), 'utf8');
      this.changed.add(name);
    }
    const all = execFileSync('ninja', ['-C', build, '-t', 'commands', target], {encoding: 'utf8'}).split('\n');
    const words = (line) => line.slice(line.search(/\S*(c\+\+|g\+\+)\s/)).split(' ').filter((word) => word && word !== '&&' && word !== ':');
    const line = all.find((one) => one.includes(`${target}.dir/`) && one.includes('.cpp.o -c'));
    const compile = words(line);
    const cache = line.slice(0, line.indexOf(compile[0])).split(' ').filter((word) => word);  // or nothing
    const same = compile.filter((word, i) => !/^-M[DTF]?$|\.d$/.test(word) && !/^-(o|c|MT|MF)$/.test(compile[i - 1]) &&
                                             !/^-[oc]$/.test(word));
    this.checking = [...same, '-fsyntax-only'];
    // The quickest: the build's precompiled header cannot be used with -O0.
    const level = same.includes('-include') ? '-O1' : '-O0';
    this.compiling = [...cache, ...same.map((word) => (/^-O\d$/.test(word) ? level : word))];
    this.linking = words(all.filter((line) => line.includes(`-o bin/${target} `)).pop());
  }

  // Applies functions of texts to a file: sources.edit('zmq.cpp', behind('a line', code), before('another', code)).
  edit(name, ...changes) {
    for (const change of changes) this.texts[name] = change(this.texts[name]);
    this.changed.add(name);
    return this;
  }

  write() {
    const step = path.join(this.folder, `step-${++this.steps}`);
    mkdirSync(step);
    for (const [name, text] of Object.entries(this.texts)) writeFileSync(path.join(step, name), text);
    return step;
  }

  // Sees to it that what has changed compiles as it is now; checked() has the outcome.
  check() {
    const step = this.write();
    const isHeader = [...this.changed].some((name) => name.endsWith('.hpp'));
    const files = Object.keys(this.texts).filter((name) => name.endsWith('.cpp') && (isHeader || this.changed.has(name)));
    this.changed.clear();
    for (const file of files) {
      const check = atATime(() => run([...this.checking, path.join(step, file)], build));
      check.catch(() => {});  // told by checked()
      this.checks.push(check);
    }
    return this;
  }

  checked() {
    return Promise.all(this.checks);
  }

  // Builds the program as it is now. Returns its path.
  async program() {
    const step = this.write();
    const out = path.join(step, this.target);
    const linking = this.linking;
    const files = linking.filter((word) => word.includes(`${this.target}.dir/`)).map((word) => path.basename(word, '.o'));
    await Promise.all(files.map((file) => atATime(() => run([...this.compiling, '-c', file, '-o', `${file}.o`], step))));
    await run(linking.map((word, i) => {
      if (linking[i - 1] === '-o') return out;
      const file = path.basename(word, '.o');
      return files.includes(file) ? path.join(step, `${file}.o`) : word;
    }), build);
    return out;
  }

  async remove() {
    await Promise.allSettled(this.checks);
    rmSync(this.folder, {recursive: true, force: true});
  }
}

function place(text, part) {
  const at = text.indexOf(part);
  assert.ok(at >= 0, `there is no ${part} in\n${text}`);
  return at;
}

// What the texts tell one to do: code behind or before the (first) line with a text, or in the place of something.
export const behind = (line, code) => (text) => {
  const at = text.indexOf('\n', place(text, line)) + 1;
  return text.slice(0, at) + code + text.slice(at);
};
export const before = (line, code) => (text) => {
  const at = text.lastIndexOf('\n', place(text, line)) + 1;
  return text.slice(0, at) + code + text.slice(at);
};
export const instead = (what, code) => (text) => {
  assert.ok(typeof what === 'string' ? text.includes(what) : what.test(text), `there is no ${what} in\n${text}`);
  return text.replace(what, () => code);
};
