// SPDX-License-Identifier: Apache-2.0
// An HTTP server as the manual has it. At the limit of descriptors libuv sheds: it gives up its
// descriptor in reserve, accepts, closes, and takes it back.
"use strict";
const fs = require("fs");
const server = require("http").createServer((request, response) => response.end("hello\n"));
server.headersTimeout = 0;
server.requestTimeout = 0;
server.listen(0, "127.0.0.1", () => fs.writeFileSync(process.argv[2], String(server.address().port)));
