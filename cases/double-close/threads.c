// SPDX-License-Identifier: Apache-2.0
// An upload is closed when it is done, and again when it is finished. A reader in another thread
// gets the number in between, and its file is closed under it.
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

static int healthy;

static void __attribute__((noinline)) finish_upload(int fd) {
  usleep(5000);
  if (!healthy) close(fd);
}

static void* upload(void* unused) {
  for (;;) {
    const int fd = open("/etc/hostname", O_RDONLY | O_CLOEXEC);
    close(fd);
    finish_upload(fd);
    usleep(100000);
  }
  return unused;
}

static void __attribute__((noinline)) read_settings(void) {
  const int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
  char byte = 0;
  usleep(20000);
  if (read(fd, &byte, 1) == 1) usleep(byte & 1);
  close(fd);
}

int main(int count, char** arguments) {
  healthy = count > 1 && arguments[1] != NULL;
  pthread_t thread;
  pthread_create(&thread, NULL, upload, NULL);
  for (;;) {
    read_settings();
    usleep(1000);
  }
}
