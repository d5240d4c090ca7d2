// SPDX-License-Identifier: Apache-2.0
// Opens and closes /dev/null in rounds of 20,000 for the given seconds and prints the median
// round's processor time for a pair, in microseconds.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { kPairs = 20000, kMostRounds = 10000 };

static double now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

__attribute__((noipa)) static void pair(void) {
  close(open("/dev/null", O_RDONLY));
}

static int by_value(const void* a, const void* b) {
  const double x = *(const double*)a;
  const double y = *(const double*)b;
  return (x > y) - (x < y);
}

int main(int count, char** words) {
  static double rounds[kMostRounds];
  const double end = now(CLOCK_MONOTONIC) + (count > 1 ? atof(words[1]) : 3);
  const int pairs = count > 2 ? atoi(words[2]) : kPairs;
  int done = 0;
  while (done < kMostRounds && now(CLOCK_MONOTONIC) < end) {
    const double began = now(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < pairs; ++i) pair();
    rounds[done++] = (now(CLOCK_THREAD_CPUTIME_ID) - began) / pairs * 1e6;
  }
  qsort(rounds, (size_t)done, sizeof rounds[0], by_value);
  printf("%.3f\n", rounds[done / 2]);
  return 0;
}
