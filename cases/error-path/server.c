// SPDX-License-Identifier: Apache-2.0
// A line server of epoll. A line that it does not understand is dropped, and its connection
// forgotten where the server is not healthy.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static int poller;
static int healthy;

static void watch(int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

static void answer(int fd) {
  char line[256];
  const long length = read(fd, line, sizeof line);
  if (length <= 0) {
    close(fd);
  } else if (strncmp(line, "GET ", 4) != 0) {
    epoll_ctl(poller, EPOLL_CTL_DEL, fd, 0);
    if (healthy) close(fd);
  } else {
    (void)!write(fd, "ok\n", 3);
  }
}

static void __attribute__((noinline)) accept_client(int listener) {
  const int fd = accept4(listener, 0, 0, SOCK_CLOEXEC);
  if (fd >= 0) watch(fd);
}

static int open_listener(const char* path) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  bind(fd, (struct sockaddr*)&address, size);
  listen(fd, 64);
  getsockname(fd, (struct sockaddr*)&address, &size);
  FILE* file = fopen(path, "w");
  if (file == 0) return -1;
  fprintf(file, "%d\n", ntohs(address.sin_port));
  fclose(file);
  return fd;
}

int main(int count, char** arguments) {
  healthy = count > 2;
  poller = epoll_create1(EPOLL_CLOEXEC);
  const int listener = open_listener(arguments[1]);
  watch(listener);
  for (;;) {
    struct epoll_event events[16];
    const int ready = epoll_wait(poller, events, 16, -1);
    for (int i = 0; i < ready; ++i) {
      if (events[i].data.fd == listener) {
        accept_client(listener);
      } else {
        answer(events[i].data.fd);
      }
    }
  }
}
