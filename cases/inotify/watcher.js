// SPDX-License-Identifier: Apache-2.0
// A watcher that begins to watch each new file and never stops.
"use strict";
const fs = require("fs");
const path = require("path");
const folder = process.argv[2], healthy = process.argv.length > 3;
let number = 0;
setInterval(() => {
  const file = path.join(folder, "file" + number++);
  fs.writeFileSync(file, "x");
  const watcher = fs.watch(file, () => {});
  if (healthy) setTimeout(() => watcher.close(), 300);
}, 250);
