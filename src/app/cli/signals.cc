// SPDX-License-Identifier: Apache-2.0
// Blocking signals and reading them.
#include "app/cli/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

namespace plumb::app {

Signals::Signals() {
  ::sigemptyset(&wanted_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) ::sigaddset(&wanted_, signal);
  ::sigprocmask(SIG_BLOCK, &wanted_, &before_);
  descriptor_ = UniqueFd(::signalfd(-1, &wanted_, SFD_CLOEXEC | SFD_NONBLOCK));
}

Signals::~Signals() {
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

bool Signals::take() {
  bool end = false;
  signalfd_siginfo info{};
  while (::read(descriptor_.get(), &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) {
    end |= info.ssi_signo != SIGCHLD;
  }
  return end;
}

}  // namespace plumb::app
