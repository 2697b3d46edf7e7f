// What the browser tests share: the program on free ports with copies of the lessons' node directories, the page server,
// Chromium, and the code blocks of the lessons' texts, so that what is tested is what a learner is told to type.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {chromium} from 'playwright-core';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const program = process.env.CROSSPOINT || path.join(root, 'build/bin/crosspoint');
const kTime = 20000;  // milliseconds that anything may take

export function freePort() {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, '127.0.0.1', () => {
      const {port} = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

// A process whose lines can be waited for.
export class Process {
  constructor(command, args, options = {}) {
    this.name = path.basename(command);
    this.lines = [];
    this.waiters = [];
    this.child = spawn(command, args, {stdio: ['ignore', 'pipe', 'pipe'], ...options});
    this.ended = new Promise((resolve) => this.child.on('close', (code) => {
      this.code = code;
      this.changed();
      resolve(code);
    }));
    for (const stream of [this.child.stdout, this.child.stderr]) {
      let rest = '';
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop();
        this.lines.push(...lines);
        this.changed();
      });
    }
  }

  changed() {
    for (const waiter of [...this.waiters]) waiter();
  }

  // The first line, at or after `from`, that has the text or matches the pattern.
  async line(pattern, from = 0) {
    const matches = (line) => (pattern instanceof RegExp ? pattern.test(line) : line.includes(pattern));
    return waitFor(this.waiters, () => {
      const found = this.lines.slice(from).find(matches);
      if (found === undefined && this.code !== undefined) {
        throw new Error(`${this.name} ended with ${this.code} without saying ${pattern}:\n${this.lines.join('\n')}`);
      }
      return found;
    }, () => `${this.name} did not say ${pattern}:\n${this.lines.join('\n')}`);
  }

  async stop(signal = 'SIGTERM') {
    if (this.code === undefined) this.child.kill(signal);
    return this.ended;
  }
}

// Resolves with what `check` returns once that is not undefined; `waiters` are called when it may have changed.
function waitFor(waiters, check, complaint) {
  return new Promise((resolve, reject) => {
    let timer = null;
    const end = (action, value) => {
      clearTimeout(timer);
      waiters.splice(waiters.indexOf(attempt), 1);
      action(value);
    };
    const attempt = () => {
      try {
        const found = check();
        if (found !== undefined) end(resolve, found);
      } catch (error) {
        end(reject, error);
      }
    };
    waiters.push(attempt);
    timer = setTimeout(() => end(reject, new Error(complaint())), kTime);
    attempt();
  });
}

// A router with a copy of a node directory, whose ports are replaced by free ones.
export class Lesson {
  static async start(number, {state = '', replace = {}} = {}) {
    const lesson = new Lesson();
    lesson.directory = mkdtempSync(path.join(tmpdir(), 'lesson-'));
    lesson.node = path.join(lesson.directory, '.crossbar');
    cpSync(path.join(root, 'lessons', String(number), state, '.crossbar'), lesson.node, {recursive: true});
    lesson.port = await freePort();
    lesson.replace = {[8000 + number]: lesson.port, ...replace};
    lesson.edit((config) => config);
    await lesson.run();
    return lesson;
  }

  // Replaces the configuration by what `change` makes of it. Returns it as text.
  edit(change) {
    const file = path.join(this.node, 'config.json');
    let text = JSON.stringify(change(JSON.parse(readFileSync(file, 'utf8'))), null, 4);
    for (const [from, to] of Object.entries(this.replace)) text = text.replaceAll(from, to);
    writeFileSync(file, text);
    return text;
  }

  async run() {
    this.router = new Process(program, ['start', '--cbdir', this.node, '--loglevel', 'debug']);
    await this.router.line('ran successfully');
  }

  async restart() {
    await this.router.stop();
    await this.run();
  }

  async stop() {
    const code = await this.router.stop();
    rmSync(this.directory, {recursive: true, force: true});
    assert.equal(code, 0, this.router.lines.join('\n'));
  }
}

// The page server and a browser.
export class Browser {
  static async start() {
    const self = new Browser();
    self.directory = mkdtempSync(path.join(tmpdir(), 'pages-'));
    self.port = await freePort();
    const config = readFileSync(path.join(root, 'config/pages/config.json'), 'utf8');
    mkdirSync(path.join(self.directory, 'node'));
    writeFileSync(path.join(self.directory, 'node/config.json'),
                  config.replace('8081', self.port).replace('../../public', path.join(root, 'public')));
    self.pages = new Process(program, ['start', '--cbdir', path.join(self.directory, 'node')]);
    await self.pages.line('ran successfully');
    self.context = await chromium.launchPersistentContext(path.join(self.directory, 'profile'), {
      executablePath: '/usr/bin/chromium',
      headless: true,
      args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
             '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    });
    return self;
  }

  // The page at /path, with the lesson's router in place of the usual one.
  async open(address, lesson, query = '') {
    return Tab.open(await this.context.newPage(), `http://localhost:${this.port}${address}?port=${lesson.port}${query}`);
  }

  async stop() {
    await this.context.close();
    assert.equal(await this.pages.stop(), 0);
    rmSync(this.directory, {recursive: true, force: true});
  }
}

// A tab with its console.
export class Tab {
  static async open(page, url) {
    const tab = new Tab();
    tab.page = page;
    tab.lines = [];
    tab.errors = [];
    tab.waiters = [];
    tab.read = 0;
    page.on('console', (message) => {
      tab.lines.push(message.text());
      for (const waiter of [...tab.waiters]) waiter();
    });
    page.on('pageerror', (error) => tab.errors.push(error));
    await page.goto(url);
    return tab;
  }

  // Runs what a learner types into the console; promises are waited for.
  type(code) {
    return this.page.evaluate((text) => (0, eval)(text), code);
  }

  // Waits for a line in the console behind those that were seen already. Returns it.
  says(pattern) {
    const matches = (line) => (pattern instanceof RegExp ? pattern.test(line) : line.includes(pattern));
    return waitFor(this.waiters, () => {
      const at = this.lines.findIndex((line, i) => i >= this.read && matches(line));
      if (at < 0) return undefined;
      this.read = at + 1;
      return this.lines[at];
    }, () => `the console did not say ${pattern} after line ${this.read}:\n${this.lines.join('\n')}`);
  }

  async close() {
    await this.page.close();
    assert.deepEqual(this.errors, []);
  }
}

// The code blocks of a language in a lesson's text, in order.
export function blocks(number, language) {
  const text = readFileSync(path.join(root, 'lessons', String(number), 'README.md'), 'utf8');
  return [...text.matchAll(new RegExp('```' + language + '\\n([^]*?)```', 'g'))].map((match) => match[1]);
}
