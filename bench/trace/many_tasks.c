// SPDX-License-Identifier: Apache-2.0
// Makes threads or children that end at once: `many_tasks threads|children SECONDS` waits for a
// line, works so long and prints the microseconds of the fastest hundred of them, each.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kHundred = 100 };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void* end_at_once(void* nothing) {
  return nothing;
}

__attribute__((noipa)) static void one_thread(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, end_at_once, NULL) != 0) exit(1);
  pthread_join(thread, NULL);
}

__attribute__((noipa)) static void one_child(void) {
  const pid_t child = fork();
  if (child < 0) exit(1);
  if (child == 0) _exit(0);
  waitpid(child, NULL, 0);
}

int main(int count, char** words) {
  if (count < 3) return 2;
  void (*const one)(void) = strcmp(words[1], "threads") == 0 ? one_thread : one_child;
  for (int i = 0; i < kHundred; ++i) one();
  if (getchar() == EOF) return 1;
  const double end = now() + atof(words[2]) * 1e6;
  double best = 1e12;
  for (double began = now(); began < end; began = now()) {
    for (int i = 0; i < kHundred; ++i) one();
    const double took = (now() - began) / kHundred;
    if (took < best) best = took;
  }
  printf("%.3f\n", best);
  return 0;
}
