// SPDX-License-Identifier: Apache-2.0
// Diseases of Node programs and their healthy twins: `node leaks.js DISEASE [healthy]`.
'use strict';
const child_process = require('child_process');
const fs = require('fs');
const net = require('net');
const os = require('os');
const path = require('path');
const {Worker} = require('worker_threads');

const [disease, twin] = process.argv.slice(2);
const healthy = twin === 'healthy';
const workers = [];
const kept = [];  // what a leak keeps reachable, so that nothing is closed for it

function readSettings() {
  const fd = fs.openSync('/etc/passwd', 'r');
  if (healthy) fs.closeSync(fd);
}

// A client of a local daemon has its socket at once; one of a TCP server gets it in the next tick,
// when askDaemon is no longer on the stack.
function askDaemon(address) {
  const socket = net.connect(address);
  socket.on('error', () => {});
  if (healthy) {
    socket.on('connect', () => socket.destroy());
  } else {
    kept.push(socket);
  }
}

function startWorker() {
  const worker = child_process.spawn('sleep', ['60'], {stdio: ['ignore', 'pipe', 'ignore']});
  if (healthy) {
    worker.kill();
  } else {
    workers.push(worker);
  }
}

// Each thread has a loop of its own, and that one inotify instance for all that it watches. One begins
// after the other: on a busy machine many at a time would keep each other from ever watching.
let watcherBegins = false;

function startWatcher() {
  if (watcherBegins) return;
  watcherBegins = true;
  const watcher = new Worker(`
    const fs = require('fs');
    function followDirectory() {
      fs.watch('/tmp');
    }
    followDirectory();
    require('worker_threads').parentPort.postMessage('watching');`, {eval: true});
  watcher.on('message', () => {
    watcherBegins = false;
    if (healthy) watcher.terminate();
  });
}

function openValid(turn) {
  const fd = fs.openSync('/etc/hostname', 'r');
  if (turn % 3 === 0) {
    if (healthy) fs.closeSync(fd);
    throw new Error('not what we want');  // this way out forgets it
  }
  fs.closeSync(fd);
}

const daemon = net.createServer({pauseOnConnect: true}, (socket) => {
  socket.on('error', () => {});
  kept.push(socket);  // its other end decides how long it lives
  socket.on('close', () => kept.splice(kept.indexOf(socket), 1));
  socket.resume();
});

// Its clients go, and it never reads that they did.
const forgetful = net.createServer({pauseOnConnect: true}, (socket) => {
  socket.on('error', () => {});
  if (healthy) {
    socket.destroy();
  } else {
    kept.push(socket);
  }
});

const diseases = {
  'file': readSettings,
  'unix': () => askDaemon(address),
  'tcp': () => askDaemon(daemon.address()),
  'accept': () => net.connect(forgetful.address()).on('connect', function() { this.destroy(); }),
  'inotify': (turn) => {
    if (turn % 15 === 0) startWatcher();  // a thread of Node takes 30 ms to begin
  },
  'child-pipe': (turn) => {
    if (turn % 5 === 0) startWorker();  // twenty-five programs a second are much for one processor
  },
  'error-path': (turn) => {
    try {
      openValid(turn);
    } catch (error) {
      kept.length = 0;
    }
  },
};

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'plumb-node-'));
const address = path.join(folder, 'socket');
process.on('exit', () => {
  workers.forEach((worker) => worker.kill());
  fs.rmSync(folder, {recursive: true, force: true});
});
process.on('SIGTERM', () => process.exit(0));

function begin() {
  let turn = 0;
  const timer = setInterval(() => {
    diseases[disease](turn++);
    if (turn === 900) clearInterval(timer);
  }, 40);
}

if (disease === 'unix') {
  daemon.listen(address, begin);
} else if (disease === 'tcp') {
  daemon.listen(0, '127.0.0.1', begin);
} else if (disease === 'accept') {
  forgetful.listen(0, '127.0.0.1', begin);
} else {
  begin();
}
