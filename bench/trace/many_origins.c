// SPDX-License-Identifier: Apache-2.0
// many_origins PROCESSES EACH ORIGINS: waits for a line on stdin, then that
// many processes open EACH descriptors from ORIGINS different stacks, print one
// line together, and wait for the end of stdin.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kDepth = 13 };  // up to 8,192 stacks

static void path(unsigned turns, int depth);
static int last;

__attribute__((noipa)) static void left(unsigned turns, int depth) {
  path(turns, depth);
  __asm__ volatile("");  // no tail call: it would leave no frame
}
__attribute__((noipa)) static void right(unsigned turns, int depth) {
  path(turns, depth);
  __asm__ volatile("");
}

// Each number is a way through the calls, so it is a stack of its own.
__attribute__((noipa)) static void path(unsigned turns, int depth) {
  if (depth == 0) {
    last = open("/dev/null", O_RDONLY);
    if (last < 0) exit(9);
    return;
  }
  (turns & 1 ? left : right)(turns >> 1, depth - 1);
  __asm__ volatile("");
}

// One call for all, so that the stacks are the same: slowly and closing, or as fast as can be.
__attribute__((noipa)) static void visit(int count, unsigned origins, int slowly) {
  const struct timespec pause = {0, 500000};
  for (int i = 0; i < count; ++i) {
    path((unsigned)i % origins, kDepth);
    if (!slowly) continue;
    close(last);
    nanosleep(&pause, 0);
  }
}

int main(int count, char** words) {
  if (count != 4) return 2;
  const int processes = atoi(words[1]);
  const int each = atoi(words[2]);
  const unsigned origins = (unsigned)atoi(words[3]);
  int ready[2];
  int end[2];
  if (pipe(ready) != 0 || pipe(end) != 0) return 9;
  (void)getchar();
  for (int i = -1; i < processes; ++i) {
    const int child = i >= 0;
    const pid_t pid = child ? fork() : 0;
    if (pid < 0) return 9;
    if (pid > 0) continue;
    visit(child ? each : (int)origins, origins, !child);
    if (!child) continue;
    close(end[1]);
    char byte = 1;
    (void)!write(ready[1], &byte, 1);
    (void)!read(end[0], &byte, 1);
    _exit(0);
  }
  for (int i = 0; i < processes; ++i) {
    char byte;
    if (read(ready[0], &byte, 1) != 1) return 9;
  }
  puts("ready");
  fflush(stdout);
  while (getchar() != EOF) {
  }
  close(end[1]);
  while (wait(0) > 0) {
  }
  return 0;
}
