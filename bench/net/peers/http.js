// SPDX-License-Identifier: Apache-2.0
// Node's http as it comes.
const server = require('http').createServer((request, response) => response.end('ok\n'));
server.listen(0, '127.0.0.1', 1024, () => console.log(server.address().port));
