// SPDX-License-Identifier: Apache-2.0
// Ten diseases and their healthy twins: `leaks DISEASE [healthy]` does one thing 50 times a second
// and loses its descriptor each time, or does not. Each disease has its own guilty function.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

// Stays a function of its own, whatever the optimiser thinks of it.
#define GUILTY __attribute__((noipa)) static

static bool healthy;
static struct sockaddr_in address;  // of the listener of the network diseases
static int listener = -1;
static int pair[2];  // for passing descriptors
static volatile int sink;

static void done_with(int fd) {
  sink = fd;
  if (healthy) close(fd);
}

static int must(int result, const char* what) {
  if (result < 0) {
    perror(what);
    exit(1);
  }
  return result;
}

GUILTY void read_settings(void) {
  int fd = must(open("/etc/passwd", O_RDONLY | O_CLOEXEC), "open");
  char text[64];
  sink = (int)read(fd, text, sizeof text);
  done_with(fd);
}

static void listen_somewhere(void) {
  listener = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  must(bind(listener, (struct sockaddr*)&address, sizeof address), "bind");
  must(listen(listener, 64), "listen");
  socklen_t length = sizeof address;
  must(getsockname(listener, (struct sockaddr*)&address, &length), "getsockname");
}

static int connect_to_listener(void) {
  int fd = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  must(connect(fd, (struct sockaddr*)&address, sizeof address), "connect");
  return fd;
}

// The other side of the client's disease: accepts and closes at once.
static void* accept_and_close(void* nothing) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) close(fd);
  }
  return nothing;
}

GUILTY void ask_server(void) {
  int fd = connect_to_listener();
  char byte = 0;
  sink = (int)read(fd, &byte, 1);
  done_with(fd);
}

GUILTY void serve_one(void) {
  int fd = must(accept4(listener, NULL, NULL, SOCK_CLOEXEC), "accept4");
  char byte = 0;
  sink = (int)read(fd, &byte, 1);
  done_with(fd);
}

GUILTY void start_worker(void) {
  int ends[2];
  must(pipe2(ends, O_CLOEXEC), "pipe2");
  pid_t child = must(fork(), "fork");
  if (child == 0) _exit(0);
  waitpid(child, NULL, 0);
  close(ends[1]);
  done_with(ends[0]);
}

GUILTY void make_signal(void) {
  done_with(must(eventfd(0, EFD_CLOEXEC), "eventfd"));
}

GUILTY void watch_one(void) {
  int fd = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  struct epoll_event event = {.events = EPOLLIN};
  epoll_ctl(fd, EPOLL_CTL_ADD, pair[0], &event);
  done_with(fd);
}

GUILTY void follow_directory(void) {
  int fd = must(inotify_init1(IN_CLOEXEC), "inotify_init1");
  sink = inotify_add_watch(fd, "/tmp", IN_CREATE);
  done_with(fd);
}

GUILTY void copy_output(void) {
  done_with(must(fcntl(2, F_DUPFD_CLOEXEC, 3), "fcntl"));
}

static void pass_on(int fd) {
  char byte = 'x';
  struct iovec part = {&byte, 1};
  union {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
  } control = {0};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  control.head.cmsg_level = SOL_SOCKET;
  control.head.cmsg_type = SCM_RIGHTS;
  control.head.cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
  must((int)sendmsg(pair[0], &message, 0), "sendmsg");
}

GUILTY void take_descriptor(void) {
  char byte = 0;
  struct iovec part = {&byte, 1};
  union {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
  } control;
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  must((int)recvmsg(pair[1], &message, MSG_CMSG_CLOEXEC), "recvmsg");
  int fd = -1;
  memcpy(&fd, CMSG_DATA(&control.head), sizeof fd);
  done_with(fd);
}

GUILTY int open_valid(const char* name, int turn) {
  int fd = must(open(name, O_RDONLY | O_CLOEXEC), "open");
  if (turn % 3 == 0) {  // "the file is not what we want": this way out forgets to close
    done_with(fd);
    return -EINVAL;
  }
  close(fd);
  return 0;
}

static void disease(const char* name, int turn) {
  if (!strcmp(name, "file")) read_settings();
  if (!strcmp(name, "tcp")) ask_server();
  if (!strcmp(name, "accept")) {
    int client = connect_to_listener();
    close(client);
    serve_one();
  }
  if (!strcmp(name, "child-pipe")) start_worker();
  if (!strcmp(name, "eventfd")) make_signal();
  if (!strcmp(name, "epoll")) watch_one();
  // A user may have 128 instances.
  if (!strcmp(name, "inotify") && turn % 10 == 0) follow_directory();
  if (!strcmp(name, "dup")) copy_output();
  if (!strcmp(name, "passed")) {
    int fd = must(open("/dev/zero", O_RDONLY | O_CLOEXEC), "open");
    pass_on(fd);
    close(fd);
    take_descriptor();
  }
  if (!strcmp(name, "error-path")) sink = open_valid("/etc/hostname", turn);
  // A pool that fills to 50 and stays.
  if (!strcmp(name, "pool") && turn < 50)
    sink = must(open("/dev/null", O_RDONLY | O_CLOEXEC), "open");
}

int main(int count, char** words) {
  if (count < 2) return 2;
  healthy = count > 2 && !strcmp(words[2], "healthy");
  must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
  listen_somewhere();
  pthread_t server;
  if (!strcmp(words[1], "tcp")) pthread_create(&server, NULL, accept_and_close, NULL);
  for (int turn = 0; turn < 900; ++turn) {
    disease(words[1], turn);
    usleep(40000);
  }
  pause();
  return 0;
}
