// SPDX-License-Identifier: Apache-2.0
// A node server that reads a file for each request and answers a moment later.
const fs = require('fs');
const http = require('http');

const server = http.createServer((request, response) => {
  fs.readFile('/etc/hostname', (error, text) => {
    setTimeout(() => response.end(text), 2);
  });
});
server.listen(0, '127.0.0.1', () => {
  fs.writeFileSync(process.argv[2], String(server.address().port));
});
