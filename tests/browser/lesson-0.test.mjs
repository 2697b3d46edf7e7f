// Lesson 0: the page, and Chromium's own WebSocket, with the server made from sockets.
import assert from 'node:assert/strict';
import {connect} from 'node:net';
import {after, before, test} from 'node:test';
import {blocks, Browser, builtProgram, freePort, Process} from './support.mjs';

const [close] = blocks(0, 'javascript');
let browser;
let port;
let server;

before(async () => {
  browser = await Browser.start();
  port = await freePort();
  server = await start();
});
after(async () => {
  await browser?.stop();
  if (server) assert.equal(await server.stop(), 0);
});

async function start() {
  const process = new Process(builtProgram('lesson_0_server'), [String(port)]);
  await process.line('Listening at');
  return process;
}

async function connected() {
  const tab = await browser.open('/0/', {port});
  await tab.says(`Connected to ws://localhost:${port}/`);
  return tab;
}

test('what is typed comes back, as text and as bytes', async () => {
  const tab = await connected();
  await tab.page.fill('#talk [name=message]', 'grüße');
  await tab.page.click('text=Send as text');
  await tab.says('The server says, as text: grüße');
  await tab.page.click('#talk [name=bytes]');
  await tab.says('The server says, as bytes: 67 72 c3 bc c3 9f 65');
  await server.line('<- opcode 1, 7 bytes');
  await server.line('-> opcode 2, 7 bytes');
  await tab.close();
});

test('in the console: large messages, and a close with a code', async () => {
  const tab = await connected();
  await tab.type(`socket.onmessage = ({data}) => console.log('length', data.length, data === 'ü'.repeat(100000));
                  socket.send('ü'.repeat(100000))`);
  await tab.says('length 100000 true');
  await tab.type(close);
  await tab.says('Closed with code 4000.');
  await tab.type(`form.elements.connect.click()`);
  await tab.says('Connected to');
  await tab.type(`socket.send('x'.repeat(300000))`);
  await tab.says('Closed with code 1009 (a message that is too big).');
  await tab.type(`socket.send('abc'); send('abc')`);
  await tab.says('Not connected.');
  await tab.close();
});

test('the frame that the page shows is one', async () => {
  const tab = await connected();
  for (const text of ['', 'Hi', 'ü'.repeat(100), 'x'.repeat(70000)]) {
    const parts = await tab.type(`clientFrame(${JSON.stringify(text)}, [1, 2, 3, 4])`);
    assert.equal(await echoOf(Buffer.from(parts.flatMap(({bytes}) => bytes))), text);
  }
  await tab.page.fill('#talk [name=message]', 'Hi');
  assert.match(await tab.page.textContent('#frame tbody'), /^81the last.*82masked, and the payload has 2 bytes/s);
  await tab.close();
});

// Sends the bytes of a frame through a connection of its own. Resolves with the text that comes back.
function echoOf(frame) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let got = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`no echo but ${got.toString('latin1')}`)));
    socket.on('data', (data) => {
      got = Buffer.concat([got, data]);
      const start = got.indexOf('\r\n\r\n') + 4;
      if (start < 4 || got.length < start + 2) return;
      const [short] = got.subarray(start + 1);
      const head = start + (short < 126 ? 2 : short === 126 ? 4 : 10);
      if (got.length < head) return;
      const size = short < 126 ? short : short === 126 ? got.readUInt16BE(start + 2) : Number(got.readBigUInt64BE(start + 2));
      if (got.length < head + size) return;
      resolve(got.subarray(head, head + size).toString());
      socket.removeAllListeners('close').destroy();
    });
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
                 'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n');
    socket.write(frame);
  });
}

test('without a server the page says so, and connects when there is one', async () => {
  const tab = await connected();
  assert.equal(await server.stop('SIGINT'), 0);
  await tab.says('Closed with code 1001 (the server ends).');
  await tab.page.click('#talk [name=connect]');
  await tab.says('Is the server running? bin/run-crossbar 0');
  server = await start();
  await tab.page.click('#talk [name=connect]');
  await tab.says('Connected to');
  assert.equal(await tab.page.textContent('#state'), 'open');
  await tab.close();
});
