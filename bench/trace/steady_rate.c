// SPDX-License-Identifier: Apache-2.0
// steady_rate SECONDS EVENTS KEEP: waits for a line on stdin, then opens and closes descriptors, in
// all EVENTS of both a second, keeps one in KEEP open, prints how many it did and how many it kept,
// and waits for the end of stdin.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

__attribute__((noipa)) static int take(void) {
  const int fd = open("/dev/null", O_RDONLY);
  if (fd < 0) exit(9);
  return fd;
}

int main(int count, char** words) {
  if (count != 4) return 2;
  const double seconds = atof(words[1]);
  const double pairs = atof(words[2]) / 2;
  const long keep = atol(words[3]);
  (void)getchar();
  const double began = now();
  long done = 0;
  long kept = 0;
  for (double passed = 0; passed < seconds; passed = now() - began) {
    for (; (double)done < passed * pairs; ++done) {
      const int fd = take();
      if (done % keep == 0) {
        ++kept;
      } else {
        close(fd);
      }
    }
    const struct timespec pause = {0, 1000000};
    nanosleep(&pause, 0);
  }
  printf("%ld %ld\n", 2 * done - kept, kept);
  fflush(stdout);
  while (getchar() != EOF) {
  }
  return 0;
}
