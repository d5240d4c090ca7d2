// SPDX-License-Identifier: Apache-2.0
// What is held beside descriptors, and its healthy twin: `held DISEASE [healthy|sick [TURNS]]` does
// one thing 50 times a second, 500 times unless told otherwise, and loses what it acquired each
// time, or does not. Each disease has its own guilty function. "trimmed" maps more than it needs
// and gives both ends back, as allocators do that align; "grown" lets its one mapping grow.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// Stays a function of its own, whatever the optimiser thinks of it.
#define GUILTY __attribute__((noipa)) static

enum { kPage = 4096, kBytes = 64 * kPage };

static bool healthy;
static void* volatile sink;

static char* map(size_t bytes) {
  char* memory =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    perror("mmap");
    exit(1);
  }
  sink = memory;
  return memory;
}

GUILTY void map_window(void) {
  char* window = map(kBytes);
  window[0] = 1;
  if (healthy) munmap(window, kBytes);
}

// Leaves one page of the three, in the middle.
GUILTY void map_aligned(void) {
  char* memory = map(3 * kPage);
  munmap(memory, kPage);
  munmap(memory + 2 * kPage, kPage);
  if (healthy) munmap(memory + kPage, kPage);
}

GUILTY void grow_table(int turn) {
  static char* table;
  static size_t bytes = kPage;
  if (turn == 0) table = map(bytes);
  const size_t more = healthy ? bytes : bytes + kPage;
  table = mremap(table, bytes, more, MREMAP_MAYMOVE);
  bytes = more;
}

static void* wait_for_ever(void* nothing) {
  if (!healthy) pause();
  return nothing;
}

// A detached thread, which never ends.
GUILTY void start_helper(void) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 65536);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t helper;
  pthread_create(&helper, &attributes, wait_for_ever, NULL);
  pthread_attr_destroy(&attributes);
}

// A child that ends, and nobody waits for it.
GUILTY void run_job(void) {
  const pid_t job = fork();
  if (job == 0) _exit(0);
  if (healthy) waitpid(job, NULL, 0);
}

// A child that does not end.
GUILTY void start_worker(void) {
  const pid_t worker = fork();
  if (worker == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!healthy) pause();
    _exit(0);
  }
  if (healthy) waitpid(worker, NULL, 0);
}

// 200 blocks of 4 KiB: 800 KiB a turn, of which some are sampled.
GUILTY void keep_order(void) {
  for (int i = 0; i < 200; ++i) {
    char* order = malloc(4096);
    order[0] = 1;
    sink = order;
    if (healthy) free(order);
  }
}

static void disease(const char* name, int turn) {
  if (!strcmp(name, "mapping")) map_window();
  if (!strcmp(name, "trimmed")) map_aligned();
  if (!strcmp(name, "grown")) grow_table(turn);
  if (!strcmp(name, "heap")) keep_order();
  if (!strcmp(name, "thread")) start_helper();
  if (!strcmp(name, "zombie")) run_job();
  if (!strcmp(name, "child")) start_worker();
}

int main(int count, char** words) {
  if (count < 2) return 2;
  healthy = count > 2 && !strcmp(words[2], "healthy");
  const int turns = count > 3 ? atoi(words[3]) : 500;
  for (int turn = 0; turn < turns; ++turn) {
    disease(words[1], turn);
    usleep(20000);
  }
  return 0;
}
