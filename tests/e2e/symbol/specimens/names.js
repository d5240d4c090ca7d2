// SPDX-License-Identifier: Apache-2.0
// A Node program whose hot function opens and closes a file until the compiler has taken it up.
const fs = require('fs');

function hotOpen(name) {
  const descriptor = fs.openSync(name, 'r');
  fs.closeSync(descriptor);
  return descriptor;
}

function outer(rounds) {
  for (let round = 0; round < rounds; round++) hotOpen('/dev/null');
}

outer(20000);
