// SPDX-License-Identifier: Apache-2.0
// What a thread waits for: the name of its blocking system call and the descriptor in its argument.
#pragma once

#include <optional>
#include <string_view>

#include "detect/record/process.h"
#include "plumb/base/ids.h"

namespace plumb::detect {

struct Wait {
  std::string_view call;  // "read", "epoll_wait"; empty for one that is not in the table of names
  std::optional<Fd> fd;   // the descriptor it waits on
  // It waits on several descriptors, listed in its memory, which a survey does not read (poll,
  // select), or in an epoll (fd is the epoll's then).
  bool many = false;
};

// Pure. The numbers are x86-64's (arch/x86/entry/syscalls/syscall_64.tbl), and only calls that
// sleep are named. `fd` is empty where the argument is no descriptor by its value (AT_FDCWD, a
// waitid that is for no pidfd).
Wait wait_of(const BlockingCall& call);

}  // namespace plumb::detect
