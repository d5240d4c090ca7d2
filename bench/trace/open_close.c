// SPDX-License-Identifier: Apache-2.0
// open_close SECONDS PAIRS: waits for a line on stdin, then opens and closes /dev/null in rounds of
// PAIRS and prints, in microseconds a pair, the processor time and the time of the round that a
// tenth of all are faster than: what else runs on a machine only ever makes a round slower.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { kMostRounds = 10000 };

static double now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

__attribute__((noipa)) static void pair(void) {
  close(open("/dev/null", O_RDONLY));
}

static int by_value(const void* a, const void* b) {
  const double x = *(const double*)a;
  const double y = *(const double*)b;
  return (x > y) - (x < y);
}

static double tenth(double* values, int count) {
  qsort(values, (size_t)count, sizeof *values, by_value);
  return values[count / 10];
}

int main(int count, char** words) {
  static double processor[kMostRounds];
  static double passed[kMostRounds];
  const double seconds = count > 1 ? atof(words[1]) : 3;
  const int pairs = count > 2 ? atoi(words[2]) : 20000;
  (void)getchar();
  const double end = now(CLOCK_MONOTONIC) + seconds * 1e6;
  int done = 0;
  while (done < kMostRounds && (done == 0 || now(CLOCK_MONOTONIC) < end)) {
    const double processor_began = now(CLOCK_THREAD_CPUTIME_ID);
    const double began = now(CLOCK_MONOTONIC);
    for (int i = 0; i < pairs; ++i) pair();
    processor[done] = (now(CLOCK_THREAD_CPUTIME_ID) - processor_began) / pairs;
    passed[done++] = (now(CLOCK_MONOTONIC) - began) / pairs;
  }
  printf("%.3f %.3f\n", tenth(processor, done), tenth(passed, done));
  return 0;
}
