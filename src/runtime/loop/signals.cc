// SPDX-License-Identifier: Apache-2.0
// Signals through signalfd.
#include "plumb/loop/signals.h"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

namespace plumb::runtime {

Result<std::unique_ptr<Signals>> Signals::block(Loop& loop, std::initializer_list<int> numbers,
                                                std::source_location site) {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int number : numbers) sigaddset(&wanted, number);
  UniqueFd fd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return fail("signalfd", "", errno);
  std::unique_ptr<Signals> signals(new Signals(loop, site));
  ::pthread_sigmask(SIG_BLOCK, &wanted, &signals->before_);
  if (auto attached = signals->descriptor_.attach(std::move(fd)); !attached) {
    return std::move(attached).error();
  }
  return signals;
}

Signals::~Signals() {
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

Task<Result<int>> Signals::next() {
  for (;;) {
    signalfd_siginfo info;
    const ssize_t got = ::read(descriptor_.borrow(), &info, sizeof info);
    if (got == sizeof info) co_return static_cast<int>(info.ssi_signo);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != EAGAIN) co_return fail("read", "signalfd", errno);
    descriptor_.blocked(Direction::kRead);
    if (auto ready = co_await descriptor_.readable(); !ready) co_return std::move(ready).error();
  }
}

}  // namespace plumb::runtime
