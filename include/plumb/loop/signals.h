// SPDX-License-Identifier: Apache-2.0
// Signals: SIGTERM and its like as values that a task waits for, not as handlers that interrupt it.
// While it lives the signals are blocked in the thread that made it and come through a signalfd;
// make it before other threads start, so that they inherit the mask. The end restores the mask.
// Threads: those of the loop only.
#pragma once

#include <signal.h>

#include <initializer_list>
#include <memory>
#include <source_location>

#include "plumb/base/result.h"
#include "plumb/loop/descriptor.h"
#include "plumb/loop/task.h"

namespace plumb::runtime {

class Signals {
 public:
  // Errors: signalfd, epoll_ctl.
  static Result<std::unique_ptr<Signals>> block(
      Loop& loop, std::initializer_list<int> numbers,
      std::source_location site = std::source_location::current());
  ~Signals();

  // The next signal's number. One waiter at a time. Errors: ECANCELED, ETIMEDOUT, read.
  Task<Result<int>> next();

 private:
  Signals(Loop& loop, std::source_location site)
      : descriptor_(loop, DescriptorKind::kSignal, site) {}

  Descriptor descriptor_;
  sigset_t before_{};
};

}  // namespace plumb::runtime
