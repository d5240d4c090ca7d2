// SPDX-License-Identifier: Apache-2.0
// The lines of /proc/locks and the "lock:" lines of /proc/PID/fdinfo/N (proc_locks(5)). Pure.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "detect/record/thread_wait.h"

namespace plumb::detect {

// One line: "3: FLOCK  ADVISORY  WRITE 812 08:01:4711 0 EOF", and "3: -> FLOCK …" for one that
// waits for the lock of that number.
struct LockLine {
  std::uint64_t group = 0;  // the number before the colon
  bool waits = false;
  FileLock lock;  // `taker` is who waits in a line that waits
};
// Nothing for a broken line and for the sorts that nobody waits for in a call of flock or fcntl
// (leases, delegations).
std::optional<LockLine> parse_lock_line(std::string_view line);

// The locks of /proc/locks that somebody waits for, with their waiters.
std::vector<FileLock> wanted_locks(std::string_view text);

}  // namespace plumb::detect
