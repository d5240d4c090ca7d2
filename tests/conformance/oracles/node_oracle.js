// SPDX-License-Identifier: Apache-2.0
// What node's HTTP server does with each request: reads hexadecimal lines, prints A (answered 2xx),
// r (refused or closed) or w (waits for more) for each.
'use strict';
const http = require('http');
const net = require('net');
const readline = require('readline');

const WAIT_MS = 500;

function ask(port, bytes) {
  return new Promise((resolve) => {
    let answer = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
    const timer = setTimeout(() => finish('w'), WAIT_MS);
    function finish(verdict) {
      clearTimeout(timer);
      socket.destroy();
      resolve(verdict);
    }
    socket.on('data', (data) => {
      answer += data.toString('latin1');
      const status = /^HTTP\/1\.[01] (\d)/.exec(answer);
      if (status) finish(status[1] === '2' ? 'A' : 'r');
    });
    socket.on('close', () => finish('r'));
    socket.on('error', () => finish('r'));
  });
}

const server = http.createServer((request, response) => {
  request.on('data', () => {});
  request.on('end', () => response.end('ok'));
});

server.listen(0, '127.0.0.1', async () => {
  const pending = [];
  for await (const line of readline.createInterface({ input: process.stdin })) {
    pending.push(ask(server.address().port, Buffer.from(line, 'hex')));
  }
  console.log((await Promise.all(pending)).join('\n'));
  process.exit(0);
});
