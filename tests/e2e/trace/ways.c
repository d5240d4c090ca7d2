// SPDX-License-Identifier: Apache-2.0
// ways WAY: gets and loses descriptors in one of the ways that a tracer can miss, and ends. What is
// open then, and which function made it, engine_test.py knows.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define FUNCTION __attribute__((noipa))

static void check(long result, const char* what) {
  if (result >= 0) return;
  perror(what);
  exit(9);
}

FUNCTION static int open_one(void) {
  const int fd = open("/dev/null", O_RDONLY);
  check(fd, "open");
  return fd;
}

// A ring of the least: one request at a time.
struct ring {
  int fd;
  unsigned *tail, *mask, *array, *done_head, *done_tail, *done_mask;
  struct io_uring_sqe* requests;
  struct io_uring_cqe* results;
};

FUNCTION static struct ring make_ring(void) {
  struct io_uring_params p;
  memset(&p, 0, sizeof p);
  struct ring r;
  r.fd = (int)syscall(SYS_io_uring_setup, 8, &p);
  check(r.fd, "io_uring_setup");
  const size_t size = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe) + 4096;
  char* both = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd, IORING_OFF_SQ_RING);
  r.requests = mmap(0, p.sq_entries * sizeof *r.requests, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd,
                    IORING_OFF_SQES);
  if (both == MAP_FAILED || r.requests == MAP_FAILED) check(-1, "mmap of the ring");
  r.tail = (unsigned*)(both + p.sq_off.tail);
  r.mask = (unsigned*)(both + p.sq_off.ring_mask);
  r.array = (unsigned*)(both + p.sq_off.array);
  r.done_head = (unsigned*)(both + p.cq_off.head);
  r.done_tail = (unsigned*)(both + p.cq_off.tail);
  r.done_mask = (unsigned*)(both + p.cq_off.ring_mask);
  r.results = (struct io_uring_cqe*)(both + p.cq_off.cqes);
  return r;
}

FUNCTION static int ring_do(struct ring* r, struct io_uring_sqe request) {
  const unsigned at = *r->tail & *r->mask;
  r->requests[at] = request;
  r->array[at] = at;
  __atomic_store_n(r->tail, *r->tail + 1, __ATOMIC_RELEASE);
  check(syscall(SYS_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS, 0, 0), "io_uring_enter");
  const int result = r->results[*r->done_head & *r->done_mask].res;
  __atomic_store_n(r->done_head, *r->done_head + 1, __ATOMIC_RELEASE);
  return result;
}

FUNCTION static void ring_open(void) {
  struct ring r = make_ring();
  for (int i = 0; i < 3; ++i) {
    const struct io_uring_sqe request = {.opcode = IORING_OP_OPENAT,
                                         .fd = AT_FDCWD,
                                         .addr = (unsigned long)"/etc/passwd",
                                         .open_flags = O_RDONLY};
    check(ring_do(&r, request), "open by the ring");
  }
}

FUNCTION static int listener(struct sockaddr_in* at) {
  socklen_t size = sizeof *at;
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  memset(at, 0, sizeof *at);
  at->sin_family = AF_INET;
  at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  check(bind(fd, (struct sockaddr*)at, size), "bind");
  check(listen(fd, 8), "listen");
  check(getsockname(fd, (struct sockaddr*)at, &size), "getsockname");
  return fd;
}

FUNCTION static void ring_accept(void) {
  struct sockaddr_in at;
  const int server = listener(&at);
  struct ring r = make_ring();
  for (int i = 0; i < 2; ++i) {
    check(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr*)&at, sizeof at), "connect");
    check(ring_do(&r, (struct io_uring_sqe){.opcode = IORING_OP_ACCEPT, .fd = server}), "accept");
  }
}

FUNCTION static void take_rights(int from, int count) {
  char byte;
  char control[CMSG_SPACE(4 * sizeof(int))];
  struct iovec data = {&byte, 1};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control};
  message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
  check(recvmsg(from, &message, 0), "recvmsg");
}

FUNCTION static void rights(void) {
  int ends[2];
  check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
  const int sent[3] = {open_one(), open_one(), open_one()};
  char byte = 0;
  char control[CMSG_SPACE(sizeof sent)] = {0};
  struct iovec data = {&byte, 1};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control};
  message.msg_controllen = sizeof control;
  struct cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof sent);
  memcpy(CMSG_DATA(head), sent, sizeof sent);
  check(sendmsg(ends[0], &message, 0), "sendmsg");
  for (int i = 0; i < 3; ++i) close(sent[i]);
  take_rights(ends[1], 3);
}

static void* own_table(void* unused) {
  check(unshare(CLONE_FILES), "unshare");
  open_one();
  open_one();
  sleep(60);  // its holdings are those of a thread that runs
  return unused;
}

FUNCTION static void unshared(void) {
  sigset_t start;
  int number = 0;
  sigemptyset(&start);
  sigaddset(&start, SIGUSR1);
  sigprocmask(SIG_BLOCK, &start, 0);
  sigwait(&start, &number);  // until it is followed
  pthread_t thread;
  pthread_create(&thread, 0, own_table, 0);
  pthread_join(thread, 0);
}

FUNCTION static void range_closed(void) {
  const int first = open_one();
  for (int i = 0; i < 4; ++i) open_one();
  check(syscall(SYS_close_range, first, first + 3, 0), "close_range");
}

FUNCTION static void dup_over(void) {
  const int under = open_one();
  const int over = eventfd(0, 0);
  check(dup2(over, under), "dup2");
}

FUNCTION static void before_exec(char* self) {
  for (int i = 0; i < 3; ++i) check(open("/dev/null", O_RDONLY | O_CLOEXEC), "open");
  open_one();
  open_one();
  usleep(1000000);  // the maps of a program that is gone cannot be read
  char* words[] = {self, "nothing", 0};
  execv(self, words);
  check(-1, "exec");
}

FUNCTION static void child_as_descriptor(void) {
  int pidfd = -1;
  struct {
    unsigned long long flags, pidfd, child_tid, parent_tid, exit_signal, stack, size, tls;
  } args = {0x1000, (unsigned long)&pidfd, 0, 0, SIGCHLD, 0, 0, 0};
  const long pid = syscall(SYS_clone3, &args, sizeof args);
  check(pid, "clone3");
  if (pid == 0) _exit(0);
  waitpid((pid_t)pid, 0, 0);
}

FUNCTION static void taken_from_a_process(void) {
  const int own = open_one();
  const int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
  check(syscall(SYS_pidfd_getfd, pidfd, own, 0), "pidfd_getfd");
}

// int 0x80 is a call of 32-bit programs in any program; its addresses have 32 bits.
FUNCTION static void old_call(void) {
  char* path =
      mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  strcpy(path, "/dev/null");
  for (int i = 0; i < 2; ++i) {
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(5), "b"(path), "c"(0), "d"(0)
                     : "memory", "r8", "r9", "r10", "r11");
    check(result, "open of 32 bits");
  }
}

FUNCTION static void storm(void) {
  for (int i = 0; i < 500; ++i) {
    const pid_t pid = fork();
    check(pid, "fork");
    if (pid == 0) {
      open_one();
      _exit(0);
    }
    waitpid(pid, 0, 0);
  }
}

// The interrupted function is found beyond the signal frame, on another stack.
static void on_signal(int number) {
  (void)number;
  open_one();
  __asm__ volatile("");  // no tail call: it would leave no frame
}

FUNCTION static void signalled_aside(void) {
  static char room[65536];
  const stack_t aside = {.ss_sp = room, .ss_size = sizeof room};
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
  check(sigaltstack(&aside, 0), "sigaltstack");
  check(sigaction(SIGUSR1, &action, 0), "sigaction");
  for (int i = 0; i < 2; ++i) {
    raise(SIGUSR1);
    usleep(1000000);  // until the kernel has learned the way
  }
}

// A signal that came while a function of the vDSO ran.
static unsigned long vdso_start, vdso_end;
static volatile sig_atomic_t caught;

static void on_alarm(int number, siginfo_t* info, void* context) {
  const unsigned long ip = (unsigned long)((ucontext_t*)context)->uc_mcontext.gregs[REG_RIP];
  (void)number;
  (void)info;
  if (caught == 2 || ip < vdso_start || ip >= vdso_end) return;
  open_one();
  ++caught;
}

FUNCTION static void ask_time_all_the_time(void) {
  struct timespec now;
  while (caught < 2) clock_gettime(CLOCK_MONOTONIC, &now);
  __asm__ volatile("");
}

FUNCTION static void in_vdso(void) {
  vdso_start = getauxval(AT_SYSINFO_EHDR);
  vdso_end = vdso_start + 8192;
  struct sigaction action = {.sa_sigaction = on_alarm, .sa_flags = SA_SIGINFO};
  check(sigaction(SIGALRM, &action, 0), "sigaction");
  const struct itimerval often = {{0, 2000}, {0, 2000}};
  check(setitimer(ITIMER_REAL, &often, 0), "setitimer");
  ask_time_all_the_time();
  check(setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, 0), "setitimer");
}

// Two processes with one number, one after the other: each opens in a function of its own. The
// second outlives this program.
FUNCTION static void first_life(void) {
  open_one();
  _exit(1);
}

FUNCTION static void second_life(int parent) {
  open_one();
  open_one();
  alarm(60);
  check(write(parent, "x", 1), "write");
  for (;;) pause();
}

FUNCTION static void lives(void) {
  int ready[2];
  char byte;
  check(pipe(ready), "pipe");
  for (int tries = 0; tries < 50; ++tries) {
    const pid_t first = fork();
    check(first, "fork");
    if (first == 0) first_life();
    check(waitpid(first, 0, 0), "waitpid");
    struct clone_args args = {
        .exit_signal = SIGCHLD, .set_tid = (unsigned long)&first, .set_tid_size = 1};
    const long second = syscall(SYS_clone3, &args, sizeof args);
    if (second == 0) second_life(ready[1]);
    if (second < 0 && errno == EEXIST) continue;  // another program was given the number
    check(second, "clone3 with set_tid");
    check(read(ready[0], &byte, 1), "read");
    return;
  }
  exit(8);
}

FUNCTION static void many(int count) {
  for (int i = 0; i < count; ++i) open_one();
}

// Another thread than the first executes a program; the first one ends for it.
static char* own_name;

FUNCTION static void opened_by_a_thread(void) {
  open_one();
  open_one();
  __asm__ volatile("");
}

static int traced(void) {
  char line[256];
  int tracer = 0;
  FILE* status = fopen("/proc/self/status", "r");
  while (status && fgets(line, sizeof line, status)) sscanf(line, "TracerPid: %d", &tracer);
  if (status) fclose(status);
  return tracer != 0;
}

// Its end is held, so that what it leaves can be looked at.
FUNCTION static void once_traced(void) {
  for (int i = 0; i < 3; ++i) open_one();
  for (int i = 0; i < 600 && !traced(); ++i) usleep(100000);
}

static void* execute(void* unused) {
  char* words[] = {own_name, "once-traced", 0};
  opened_by_a_thread();
  usleep(1000000);  // the maps of a program that is gone cannot be read
  execv(own_name, words);
  check(-1, "exec");
  return unused;
}

FUNCTION static void thread_exec(void) {
  pthread_t thread;
  pthread_create(&thread, 0, execute, 0);
  for (;;) pause();
}

// Each number is a way through the calls, and so a stack of its own.
static void turn(unsigned turns, int depth);

FUNCTION static void left(unsigned turns, int depth) {
  turn(turns, depth);
  __asm__ volatile("");
}

FUNCTION static void right(unsigned turns, int depth) {
  turn(turns, depth);
  __asm__ volatile("");
}

static int last;

FUNCTION static void turn(unsigned turns, int depth) {
  if (depth == 0) {
    last = open_one();
  } else {
    (turns & 1 ? left : right)(turns >> 1, depth - 1);
  }
  __asm__ volatile("");
}

// The last ones stay open.
FUNCTION static void stacks(int count, int kept) {
  for (int i = 0; i < count; ++i) {
    turn((unsigned)i, 12);
    if (i < count - kept) close(last);
  }
}

int main(int count, char** words) {
  const char* way = count > 1 ? words[1] : "";
  const struct {
    const char* name;
    void (*go)(void);
  } ways[] = {{"ring-open", ring_open},
              {"ring-accept", ring_accept},
              {"rights", rights},
              {"unshare", unshared},
              {"close-range", range_closed},
              {"dup-over", dup_over},
              {"clone", child_as_descriptor},
              {"getfd", taken_from_a_process},
              {"32-bit", old_call},
              {"storm", storm},
              {"signal", signalled_aside},
              {"vdso", in_vdso},
              {"lives", lives},
              {"thread-exec", thread_exec},
              {"once-traced", once_traced}};
  own_name = words[0];
  if (strcmp(way, "exec") == 0) before_exec(words[0]);
  if (strcmp(way, "stacks") == 0 && count > 3) stacks(atoi(words[2]), atoi(words[3]));
  if (strcmp(way, "many") == 0) many(count > 2 ? atoi(words[2]) : 1);
  for (size_t i = 0; i < sizeof ways / sizeof *ways; ++i) {
    if (strcmp(way, ways[i].name) == 0) ways[i].go();
  }
  return 0;
}
