// SPDX-License-Identifier: Apache-2.0
// Borrowing: a process held by a pidfd, so that its number cannot become another's, and descriptors
// of it (pidfd_getfd(2)), each of which is the very open file and stays it whatever the process
// does.
#pragma once

#include "detect/record/process.h"
#include "plumb/base/ids.h"
#include "plumb/base/result.h"
#include "plumb/base/unique_fd.h"

namespace plumb::app {

class HeldProcess {
 public:
  // The process of this key. Errors: ESRCH where it has ended, also where its number is another's
  // by now; EPERM, ENOSYS before Linux 5.3.
  static Result<HeldProcess> hold(detect::ProcessKey key);

  // Whether it still lives: then its number was its own all the time since hold().
  bool lives() const;

  // A duplicate of its descriptor. Errors: EBADF where the number is free; EPERM without the right
  // to trace it; ENOSYS before Linux 5.6.
  Result<UniqueFd> borrow(Fd fd) const;

  detect::ProcessKey key() const { return key_; }

 private:
  HeldProcess(detect::ProcessKey key, UniqueFd process) : key_(key), process_(std::move(process)) {}

  detect::ProcessKey key_;
  UniqueFd process_;
};

}  // namespace plumb::app
