// SPDX-License-Identifier: Apache-2.0
// Signals that end a long command, or tell of its child, as a descriptor.
#pragma once

#include <signal.h>

#include "plumb/base/unique_fd.h"

namespace plumb::app {

// Takes SIGINT, SIGTERM, SIGHUP and SIGCHLD while it lives; as before when it goes. Threads: of the
// thread that made it and those started meanwhile.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Readable when one has come.
  int descriptor() const { return descriptor_.get(); }
  // True when one came that wants an end.
  bool take();

 private:
  sigset_t wanted_{};
  sigset_t before_{};
  UniqueFd descriptor_;
};

}  // namespace plumb::app
