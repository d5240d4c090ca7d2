// SPDX-License-Identifier: Apache-2.0
// hold LIVING PASSING: opens LIVING descriptors and keeps them, opens and closes PASSING others one
// by one, says so, and waits to be killed.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  getchar();  // until it is followed
  for (long left = atol(argv[1]); left > 0; --left) {
    if (open("/dev/null", O_RDONLY) < 0) return 1;
  }
  for (long left = atol(argv[2]); left > 0; --left) close(open("/dev/null", O_RDONLY));
  puts("done");
  fflush(stdout);
  pause();
}
