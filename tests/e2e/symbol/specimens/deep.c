/* SPDX-License-Identifier: Apache-2.0
 * A C program whose system calls come from every kind of frame that compilers make: recursion, a
 * variable-length array, a realigned stack, a callback from the C library, a signal handler on its
 * own stack and on the common one, threads, a vfork child. */
#define _GNU_SOURCE
#include <immintrin.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int sink;

__attribute__((noinline)) static void call(void) {
  sink += getppid();
}

__attribute__((noinline)) static int recurse(int depth, int* out) {
  int local[4] = {depth, depth + 1, depth + 2, depth + 3};
  if (depth == 0) {
    call();
    return local[sink & 3];
  }
  int result = recurse(depth - 1, local) + local[depth & 3];
  out[0] += result;
  return result;
}

__attribute__((noinline)) static int variable(int count) {
  char room[count];
  memset(room, count, (size_t)count);
  call();
  return room[count / 2] + recurse(3, &(int){0});
}

typedef int wide __attribute__((vector_size(32)));

__attribute__((noinline)) static int realigned(int value) {
  volatile wide values[2] __attribute__((aligned(64))) = {{value}, {value + 1}};
  call();
  return values[value & 1][0] + variable(40 + value);
}

static int compare(const void* a, const void* b) {
  call();
  return *(const int*)a - *(const int*)b;
}

static void handler(int signal) {
  sink += signal;
  realigned(signal);
}

static void* thread(void* unused) {
  for (int round = 0; round < 5; ++round) realigned(round);
  return unused;
}

int main(void) {
  static char other_stack[1 << 16];
  stack_t alternative = {.ss_sp = other_stack, .ss_size = sizeof(other_stack)};
  sigaltstack(&alternative, NULL);
  struct sigaction action = {.sa_handler = handler};
  sigaction(SIGUSR1, &action, NULL);
  action.sa_flags = SA_ONSTACK;
  sigaction(SIGUSR2, &action, NULL);
  for (int round = 0; round < 8; ++round) {
    recurse(20, &(int){0});
    realigned(round);
    int values[6] = {5, 3, 9, round, 1, 2};
    qsort(values, 6, sizeof(int), compare);
    raise(SIGUSR1);
    raise(SIGUSR2);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
  }
  pthread_t threads[3];
  for (int i = 0; i < 3; ++i) pthread_create(&threads[i], NULL, thread, NULL);
  for (int i = 0; i < 3; ++i) pthread_join(threads[i], NULL);
  pid_t child = vfork();
  if (child == 0) _exit(0);
  waitpid(child, NULL, 0);
  return 0;
}
