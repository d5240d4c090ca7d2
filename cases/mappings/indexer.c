// SPDX-License-Identifier: Apache-2.0
// Maps a file for each question; unmaps it only if it is healthy.
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int ask(const char* path, int healthy) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char* index = mmap(0, 4096, PROT_READ, MAP_PRIVATE, file, 0);
  close(file);
  if (index == MAP_FAILED) return 0;
  const int found = memchr(index, 'x', 100) != 0;
  if (healthy) munmap(index, 4096);
  return found;
}

int main(int count, char** arguments) {
  for (;;) {
    ask(arguments[1], count > 2);
    usleep(400000);
  }
}
