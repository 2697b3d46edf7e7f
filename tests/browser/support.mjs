// What the browser tests share: the program on free ports with copies of the lessons' node directories, the page server,
// Chromium, and the code blocks of the lessons' texts, so that what is tested is what a learner is told to type.
import assert from 'node:assert/strict';
import {execFile, spawn} from 'node:child_process';
import {cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {chromium} from 'playwright-core';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const program = process.env.CROSSPOINT || path.join(root, 'build/bin/crosspoint');
export const kTime = 1000 * (process.env.CROSSPOINT_TEST_TIME || 20);  // milliseconds that anything may take

// A port that nobody listens on, none of those that the kernel gives to connections (they begin at 32768), and from a part of the
// others that test files which run at the same time hardly share; never the same twice, since a program may not have
// begun to listen on the first one yet.
const kPorts = 350;
let port_count = Math.floor(Math.random() * kPorts);

export async function freePort() {
  for (;;) {
    const port = 10_000 + (process.pid % 64) * kPorts + port_count++ % kPorts;
    const probe = createServer();
    const free = await new Promise((resolve) => {
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

// A test that fails before it has ended what it started leaves nothing behind.
const running = new Set();
process.on('exit', () => running.forEach((child) => child.exitCode === null && child.kill('SIGKILL')));

// A process whose lines can be waited for.
export class Process {
  constructor(command, args, options = {}) {
    this.name = path.basename(command);
    this.lines = [];
    this.waiters = [];
    this.child = spawn(command, args, {stdio: ['ignore', 'pipe', 'pipe'], ...options});
    running.add(this.child);
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

// A router with a copy of a node directory, whose ports are replaced by free ones. The guests are those of the build, unless
// `programs` has another path for their names; they get the `environment`.
export class Lesson {
  static async start(number, {state = '', replace = {}, programs = {}, environment = {}} = {}) {
    const lesson = new Lesson();
    lesson.directory = mkdtempSync(path.join(tmpdir(), 'lesson-'));
    lesson.node = path.join(lesson.directory, '.crossbar');
    const original = path.join(root, 'lessons', String(number), state, '.crossbar');
    cpSync(original, lesson.node, {recursive: true, filter: (file) => path.basename(file) !== 'logs'});
    lesson.config = JSON.parse(readFileSync(path.join(original, 'config.json'), 'utf8'));
    lesson.port = await freePort();
    lesson.replace = {[8000 + number]: lesson.port, [9000 + number]: await freePort(), ...replace};
    lesson.programs = programs;
    lesson.environment = environment;
    lesson.edit((config) => config);
    try {
      await lesson.run();
    } catch (error) {
      await lesson.router.stop();
      rmSync(lesson.directory, {recursive: true, force: true});
      throw error;
    }
    return lesson;
  }

  // Replaces the configuration by what `change` makes of it.
  edit(change) {
    this.config = change(this.config);
    let text = JSON.stringify(this.config, null, 4);
    text = replacePorts(text, this.replace);
    text = text.replace(/(\.\.\/)+build\/bin\/(\w+)/g, (_, up, name) => this.programs[name] || builtProgram(name));
    text = text.replace(/(\.\.\/)+public\b/g, () => path.join(root, 'public'));
    writeFileSync(path.join(this.node, 'config.json'), text);
  }

  async run() {
    this.router = new Process(program, ['start', '--cbdir', this.node, '--loglevel', 'debug'],
                              {env: {...process.env, ...this.environment}});
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

  // Sees to it that the steps have led to the finished configuration, which has other paths.
  assertFinished(number) {
    const finished = JSON.parse(readFileSync(path.join(root, `lessons/${number}/finished/.crossbar/config.json`), 'utf8'));
    const comparable = (config) => JSON.parse(JSON.stringify({...config, $schema: undefined})
      .replace(/(\.\.\/)+build\/bin\/(\w+?)(_finished)?"/g, '$2"'));
    assert.deepEqual(comparable(this.config), comparable(finished));
  }
}

function replacePorts(text, ports) {
  return text.replace(new RegExp(`\\b(${Object.keys(ports).join('|')})\\b`, 'g'), (port) => ports[port]);
}

export const builtProgram = (name) => path.join(path.dirname(program), name);

// The helpers of lessons 4 to 6, with ports and documents of their own. `environment` is what the lessons' programs need to
// find each other.
export class Services {
  static async start({redis = false, apps = []} = {}) {
    const self = new Services();
    self.directory = mkdtempSync(path.join(tmpdir(), 'services-'));
    self.running = {};
    const address = async () => `127.0.0.1:${await freePort()}`;
    self.environment = {
      WORKSHOP_DB: path.join(self.directory, 'db'),
      BROADCAST_PASSWORD: 'abc123',
      REDIS_URL: `redis://${await address()}`,
      REDIS_PAGE_ADDRESS: await address(),
      ZMQ_MESSAGES: `tcp://${await address()}`,
      ZMQ_BROADCAST: `tcp://${await address()}`,
    };
    for (const number of [4, 5, 6]) {
      self.environment[`APP_${number}_ADDRESS`] = await address();
      self.environment[`APP_${number}_INTERNAL_ADDRESS`] = await address();
      self.environment[`APP_${number}_URL`] = `http://${self.environment[`APP_${number}_INTERNAL_ADDRESS`]}`;
    }
    if (redis) await self.startRedis();
    for (const number of apps) await self.startApp(number);
    return self;
  }

  port(name) {
    return this.environment[name].split(':').pop();
  }

  async startProgram(name, command, args, line) {
    this.running[name] = new Process(command, args, {env: {...process.env, ...this.environment}});
    await this.running[name].line(line);
    return this.running[name];
  }

  async startRedis() {
    const args = ['--port', this.port('REDIS_URL'), '--bind', '127.0.0.1', '--dir', this.directory, '--save', ''];
    await this.startProgram('redis', 'redis-server', args, 'Ready to accept connections');
    await this.startProgram('page', builtProgram('redis_page'), [], 'Listening on');
  }

  startApp(number, command = builtProgram(`lesson_${number}_app`)) {
    return this.startProgram(`app ${number}`, command, [], 'Listening on');
  }

  async stopOne(name) {
    assert.equal(await this.running[name].stop(), 0, this.running[name].lines.join('\n'));
    delete this.running[name];
  }

  // What a learner types into a terminal, with our ports. Returns what it prints.
  async shell(text) {
    const ports = Object.fromEntries([4, 5, 6].map((number) => [8010 + number, this.port(`APP_${number}_ADDRESS`)]));
    const command = replacePorts(text, ports).replaceAll('curl ', 'curl -sS ');
    const {stdout} = await promisify(execFile)('bash', ['-ec', command]);
    return stdout;
  }

  // The documents of a table, in the order in which they were stored.
  documents(table) {
    const folder = path.join(this.environment.WORKSHOP_DB, table, 'data');
    return readdirSync(folder).sort().map((name) => JSON.parse(readFileSync(path.join(folder, name), 'utf8')));
  }

  async stop() {
    const codes = await Promise.all(Object.values(this.running).map((one) => one.stop()));
    rmSync(this.directory, {recursive: true, force: true});
    for (const code of codes) assert.ok(code === 0 || code === null, `exit codes ${codes}`);
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
             '--disable-background-networking', '--disable-component-update', '--disable-sync',
             // WebRTC between tabs, also where there is no network to find each other by multicast DNS.
             '--disable-features=WebRtcHideLocalIpsWithMdns', '--allow-loopback-in-peer-connection'],
    });
    self.context.setDefaultTimeout(kTime);
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
