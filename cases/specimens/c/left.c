// SPDX-License-Identifier: Apache-2.0
// What a program can leave behind at its end, and the healthy twins: `left DISEASE [healthy]` does
// one thing and ends. Each disease has its own guilty function, named in the table at the end.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

// Stays a function of its own, whatever the optimiser thinks of it.
#define GUILTY __attribute__((noipa)) static

static bool healthy;
static volatile int sink;
static void* volatile memory;

static int must(int result, const char* what) {
  if (result < 0) {
    perror(what);
    exit(100);
  }
  return result;
}

static void done_with(int fd) {
  sink = fd;
  if (healthy) close(fd);
}

// A path in the directory for temporary files, for mkstemp and the like.
static char* temporary(const char* name) {
  const char* directory = getenv("TMPDIR");
  char* path = NULL;
  must(asprintf(&path, "%s/%s", directory != NULL ? directory : "/tmp", name), "asprintf");
  return path;
}

GUILTY void read_rules(void) {
  done_with(must(open("/etc/passwd", O_RDONLY), "open"));
}

GUILTY void open_port(void) {
  const int fd = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
  must(listen(fd, 16), "listen");
  done_with(fd);
}

GUILTY void keep_pipe_end(void) {
  int ends[2];
  must(pipe(ends), "pipe");
  close(ends[0]);
  done_with(ends[1]);
}

GUILTY void watch_twice(void) {
  const volatile int twice = 2;  // one call of epoll_create1 in the code, not two
  for (int i = 0; i < twice; ++i) done_with(must(epoll_create1(0), "epoll_create1"));
}

GUILTY void start_helper(void) {
  const pid_t child = must(fork(), "fork");
  if (child == 0) {
    pause();
    _exit(0);
  }
  if (!healthy) return;
  kill(child, SIGTERM);
  waitpid(child, NULL, 0);
}

GUILTY void ask_once(void) {
  const pid_t child = must(fork(), "fork");
  if (child == 0) _exit(0);
  siginfo_t info;
  must(waitid(P_PID, (id_t)child, &info, WEXITED | (healthy ? 0 : WNOWAIT)), "waitid");
}

GUILTY void write_report(void) {
  char* path = temporary("report-XXXXXX");
  close(must(mkstemp(path), "mkstemp"));
  if (healthy) unlink(path);
  free(path);
}

GUILTY void make_workplace(void) {
  char* path = temporary("work-XXXXXX");
  if (mkdtemp(path) == NULL) must(-1, "mkdtemp");
  char inner[4096];
  snprintf(inner, sizeof(inner), "%s/part", path);
  close(must(open(inner, O_WRONLY | O_CREAT, 0600), "open"));
  if (healthy) {
    unlink(inner);
    rmdir(path);
  }
  free(path);
}

GUILTY void bind_name(void) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  char* path = temporary("left.sock");
  strncpy(name.sun_path, path, sizeof(name.sun_path) - 1);
  const int fd = must(socket(AF_UNIX, SOCK_STREAM, 0), "socket");
  must(bind(fd, (const struct sockaddr*)&name, sizeof(name)), "bind");
  close(fd);
  if (healthy) unlink(path);
  free(path);
}

// Its parent ends first, so that nobody is left who could wait for it.
GUILTY void start_orphan(void) {
  const pid_t child = must(fork(), "fork");
  if (child == 0) {
    const pid_t orphan = must(fork(), "fork");
    if (orphan == 0 && !healthy) pause();
    if (orphan == 0) _exit(0);
    if (healthy) waitpid(orphan, NULL, 0);
    _exit(0);
  }
  waitpid(child, NULL, 0);
}

static void* wait_for_ever(void* ready) {
  pthread_barrier_wait(ready);
  if (!healthy) pause();
  return NULL;
}

// Detached, so that nobody waits for it; the healthy one is waited for.
GUILTY void start_watcher(void) {
  static pthread_barrier_t ready;
  pthread_t thread;
  pthread_barrier_init(&ready, NULL, 2);
  must(-pthread_create(&thread, NULL, wait_for_ever, &ready), "pthread_create");
  pthread_barrier_wait(&ready);
  if (healthy) {
    pthread_join(thread, NULL);
  } else {
    pthread_detach(thread);
  }
}

GUILTY void map_window(void) {
  const volatile int windows = 3;
  for (int i = 0; i < windows; ++i) {
    memory = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (healthy) munmap(memory, 65536);
  }
  memory = NULL;
}

// Small ones, as programs lose them.
GUILTY void keep_order(void) {
  const volatile int orders = 5;
  for (int i = 0; i < orders; ++i) {
    memory = malloc(40);
    if (healthy) free(memory);
  }
  memory = NULL;
}

struct guest {
  struct guest* next;
  struct guest* before;
};

// Each guest leads to two others, and nothing leads to any of them.
GUILTY void lose_ring(void) {
  struct guest* first = malloc(sizeof *first);
  first->next = first->before = first;
  for (int i = 0; i < 3; ++i) {
    struct guest* guest = malloc(sizeof *guest);
    *guest = (struct guest){first->next, first};
    first->next->before = guest;
    first->next = guest;
  }
  for (int i = 0; healthy && i < 3; ++i) {
    struct guest* guest = first->next;
    first->next = guest->next;
    free(guest);
  }
  if (healthy) free(first);
  memory = NULL;
}

// The list is given back without what stands in it.
GUILTY void drop_list(void) {
  void** list = NULL;
  for (int i = 0; i < 6; ++i) {
    list = realloc(list, (size_t)(i + 1) * sizeof *list);
    list[i] = malloc(100);
  }
  for (int i = 0; healthy && i < 6; ++i) free(list[i]);
  memory = list;
  free(memory);
  memory = NULL;
}

// A table for the whole life of the program is no leak, sick or healthy: it could be given back.
GUILTY void fill_table(void) {
  static char* table[50];
  for (int i = 0; i < 50; ++i) table[i] = strdup("entry");
  memory = table;
}

// A child leaves it, not the program itself.
GUILTY void read_rules_in_child(void) {
  const pid_t child = must(fork(), "fork");
  if (child == 0) {
    read_rules();
    exit(0);
  }
  waitpid(child, NULL, 0);
}

static const struct {
  const char* name;
  void (*run)(void);
} diseases[] = {
    {"file", read_rules},        {"listener", open_port},
    {"pipe", keep_pipe_end},     {"epolls", watch_twice},
    {"running", start_helper},   {"zombie", ask_once},
    {"temporary", write_report}, {"directory", make_workplace},
    {"socket", bind_name},       {"child", read_rules_in_child},
    {"orphan", start_orphan},    {"thread", start_watcher},
    {"mapping", map_window},     {"heap", keep_order},
    {"ring", lose_ring},         {"list", drop_list},
    {"table", fill_table},
};

int main(int argc, char** argv) {
  healthy = argc > 2 && strcmp(argv[2], "healthy") == 0;
  for (size_t i = 0; i < sizeof(diseases) / sizeof(diseases[0]); ++i) {
    if (argc < 2 || strcmp(argv[1], diseases[i].name) != 0) continue;
    diseases[i].run();
    return argc > 3 ? atoi(argv[3]) : 0;
  }
  fprintf(stderr, "usage: left DISEASE [healthy|ill [STATUS]]\n");
  return 100;
}
