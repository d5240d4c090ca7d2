// SPDX-License-Identifier: Apache-2.0
// The wrappers and the walk.
#include "support/failing_syscalls.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <map>
#include <string_view>
#include <vector>

namespace plumb::test {
namespace {

// What each call can say at any time, to a program without a bug. ETIMEDOUT is left out, as tests
// know by it that something hung. EAGAIN of recv and send is not
// among them: it comes with the promise of an edge, which an injected one would break.
const std::map<std::string_view, std::vector<int>>& codes() {
  static const std::map<std::string_view, std::vector<int>> table = {
      {"accept4", {EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED, EINTR, EAGAIN, EPERM}},
      {"recv", {ECONNRESET, EHOSTUNREACH, EINTR, ENOMEM}},
      {"send", {EPIPE, ECONNRESET, EINTR, ENOBUFS}},
      {"recvmsg", {ECONNREFUSED, EINTR, ENOMEM}},
      {"sendmsg", {ECONNREFUSED, EINTR, ENOBUFS, EHOSTUNREACH}},
      {"read", {EINTR, EIO}},
      {"socket", {EMFILE, ENFILE, ENOBUFS}},
      {"socketpair", {EMFILE, ENFILE, ENOBUFS}},
      {"bind", {EADDRINUSE, EACCES}},
      {"listen", {EADDRINUSE}},
      {"connect", {ECONNREFUSED, ENETUNREACH, EINTR, EAGAIN}},
      {"shutdown", {ENOTCONN}},
      {"setsockopt", {ENOPROTOOPT}},
      {"getsockopt", {ENOBUFS}},
      {"getsockname", {ENOBUFS}},
      {"epoll_create1", {EMFILE, ENFILE, ENOMEM}},
      {"epoll_ctl", {ENOSPC, ENOMEM}},
      {"epoll_wait", {EINTR}},
      {"eventfd", {EMFILE, ENFILE, ENOMEM}},
      {"signalfd", {EMFILE, ENFILE, ENOMEM}},
      {"open", {EMFILE, ENFILE}},
      {"close", {EINTR, EIO}},
  };
  return table;
}

struct Walk {
  bool armed = false;
  std::size_t count = 0;
  std::size_t fail_at = 0;  // 0: none
  int code = 0;
  std::vector<std::string_view> made;  // the calls of the run without failures
  std::string_view every;              // fails each time
};
Walk walk;  // the wrappers are free functions of C: there is nothing else to keep it in

// Whether this call is to fail; errno is set then.
bool fails(std::string_view call) {
  if (call == walk.every) {
    errno = walk.code;
    return true;
  }
  if (!walk.armed) return false;
  if (walk.fail_at == 0) walk.made.push_back(call);
  if (++walk.count != walk.fail_at) return false;
  errno = walk.code;
  return true;
}

}  // namespace

std::string InjectedFailure::text() const {
  return "call " + std::to_string(nth) + ", " + call + ": " + std::strerror(code);
}

FailEvery::FailEvery(const char* call, int code) {
  walk = {};
  walk.every = call;
  walk.code = code;
}

FailEvery::~FailEvery() {
  walk = {};
}

std::size_t walk_failures(const std::function<void()>& code) {
  walk = {};
  walk.armed = true;
  code();
  walk.armed = false;
  const auto made = walk.made;
  EXPECT_FALSE(made.empty()) << "no wrapped call was made: is WRAP set?";
  std::size_t injected = 0;
  for (std::size_t nth = 1; nth <= made.size(); ++nth) {
    for (const int error : codes().at(made[nth - 1])) {
      const InjectedFailure failure{nth, std::string(made[nth - 1]), error};
      SCOPED_TRACE(failure.text());
      walk = {};
      walk.fail_at = nth;
      walk.code = error;
      walk.armed = true;
      code();
      walk.armed = false;
      // A run may end before its Nth call when an earlier turn of events differed.
      injected += walk.count >= nth ? 1 : 0;
      if (testing::Test::HasFatalFailure() || testing::Test::HasNonfatalFailure()) return injected;
    }
  }
  return injected;
}

}  // namespace plumb::test

// __wrap_X is called by plumb's code in place of X; __real_X is X. Weak: a program wraps only some.
extern "C" {

using plumb::test::fails;

#define WRAPPED(result, name, parameters, arguments)            \
  __attribute__((weak)) result __real_##name parameters;        \
  result __wrap_##name parameters;                              \
  result __wrap_##name parameters {                             \
    return fails(#name) ? result{-1} : __real_##name arguments; \
  }

WRAPPED(int, accept4, (int fd, sockaddr* a, socklen_t* l, int f), (fd, a, l, f))
WRAPPED(ssize_t, recv, (int fd, void* b, size_t n, int f), (fd, b, n, f))
WRAPPED(ssize_t, send, (int fd, const void* b, size_t n, int f), (fd, b, n, f))
WRAPPED(ssize_t, recvmsg, (int fd, msghdr* m, int f), (fd, m, f))
WRAPPED(ssize_t, sendmsg, (int fd, const msghdr* m, int f), (fd, m, f))
WRAPPED(ssize_t, read, (int fd, void* b, size_t n), (fd, b, n))
WRAPPED(int, socket, (int d, int t, int p), (d, t, p))
WRAPPED(int, socketpair, (int d, int t, int p, int* out), (d, t, p, out))
WRAPPED(int, bind, (int fd, const sockaddr* a, socklen_t l), (fd, a, l))
WRAPPED(int, listen, (int fd, int n), (fd, n))
WRAPPED(int, connect, (int fd, const sockaddr* a, socklen_t l), (fd, a, l))
WRAPPED(int, shutdown, (int fd, int how), (fd, how))
WRAPPED(int, setsockopt, (int fd, int l, int n, const void* v, socklen_t s), (fd, l, n, v, s))
WRAPPED(int, getsockopt, (int fd, int l, int n, void* v, socklen_t* s), (fd, l, n, v, s))
WRAPPED(int, getsockname, (int fd, sockaddr* a, socklen_t* l), (fd, a, l))
WRAPPED(int, epoll_create1, (int f), (f))
WRAPPED(int, epoll_wait, (int fd, epoll_event* e, int n, int t), (fd, e, n, t))
WRAPPED(int, eventfd, (unsigned n, int f), (n, f))
WRAPPED(int, signalfd, (int fd, const sigset_t* s, int f), (fd, s, f))

// Only adding can fail: changing and removing allocate nothing.
__attribute__((weak)) int __real_epoll_ctl(int fd, int op, int watched, epoll_event* event);
int __wrap_epoll_ctl(int fd, int op, int watched, epoll_event* event);
int __wrap_epoll_ctl(int fd, int op, int watched, epoll_event* event) {
  if (op == EPOLL_CTL_ADD && fails("epoll_ctl")) return -1;
  return __real_epoll_ctl(fd, op, watched, event);
}

__attribute__((weak)) int __real_open(const char* path, int flags, ...);
int __wrap_open(const char* path, int flags, ...);
int __wrap_open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const unsigned mode = va_arg(rest, unsigned);
  va_end(rest);
  return fails("open") ? -1 : __real_open(path, flags, mode);
}

__attribute__((weak)) int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) {
  const int closed = __real_close(fd);
  return closed == 0 && fails("close") ? -1 : closed;
}

}  // extern "C"
