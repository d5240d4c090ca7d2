// SPDX-License-Identifier: Apache-2.0
// Calls getppid(2) in rounds for a second and prints the median round's seconds of processor time
// for a call.
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { kCalls = 100000, kMostRounds = 1000 };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int by_value(const void* a, const void* b) {
  const double x = *(const double*)a;
  const double y = *(const double*)b;
  return (x > y) - (x < y);
}

int main(void) {
  static double rounds[kMostRounds];
  const double end = now() + 1;
  int done = 0;
  while (done < kMostRounds && now() < end) {
    const double began = now();
    for (int i = 0; i < kCalls; ++i) syscall(SYS_getppid);
    rounds[done++] = (now() - began) / kCalls;
  }
  qsort(rounds, (size_t)done, sizeof rounds[0], by_value);
  printf("%.12f\n", rounds[done / 2]);
  return 0;
}
