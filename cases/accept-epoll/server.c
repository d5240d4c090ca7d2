// SPDX-License-Identifier: Apache-2.0
// A naive server: level-triggered epoll, and accept() that is tried again at once when it fails. At
// the limit of descriptors it spins.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char** argv) {
  (void)argc;
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  if (bind(listener, (struct sockaddr*)&address, sizeof(address)) != 0) return 1;
  listen(listener, 128);
  socklen_t size = sizeof(address);
  getsockname(listener, (struct sockaddr*)&address, &size);
  FILE* file = fopen(argv[1], "w");
  fprintf(file, "%d\n", ntohs(address.sin_port));
  fclose(file);
  const int epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data = {.fd = listener}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    if (epoll_wait(epoll, &event, 1, -1) != 1) continue;
    if (event.data.fd == listener) {
      const int client = accept(listener, NULL, NULL);
      if (client < 0) continue;
      event.events = EPOLLIN;
      event.data.fd = client;
      epoll_ctl(epoll, EPOLL_CTL_ADD, client, &event);
      continue;
    }
    char bytes[512];
    if (read(event.data.fd, bytes, sizeof(bytes)) <= 0) close(event.data.fd);
  }
}
