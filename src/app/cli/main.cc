// SPDX-License-Identifier: Apache-2.0
// The plumb command: a table of contents of its commands.
#include <cstdio>

int main() {
  std::puts("plumb");
  return 0;
}
