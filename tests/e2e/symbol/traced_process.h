// SPDX-License-Identifier: Apache-2.0
// TracedProcess: starts a program under ptrace and stops it, thread by thread, where the test wants
// a snapshot of its registers and its stack.
#pragma once

#include <sys/types.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "detect/symbol/process_access.h"
#include "detect/symbol/registers.h"

namespace plumb::detect {

struct Snapshot {
  pid_t thread = 0;
  Registers registers;
  std::vector<std::byte> stack;  // from rsp upwards
};

class TracedProcess {
 public:
  // Starts the program, stopped before its first instruction. Output goes to /dev/null.
  explicit TracedProcess(const std::vector<std::string>& command);
  ~TracedProcess();
  TracedProcess(const TracedProcess&) = delete;
  TracedProcess& operator=(const TracedProcess&) = delete;

  Pid process() const { return Pid{process_}; }
  // Goes on to the next entry or exit of a system call, or the next signal, of any thread; the
  // thread that stopped, or nothing at the end of the program.
  std::optional<pid_t> next_call();
  enum class Stepped { kOne, kNot, kEnded };
  // Executes one instruction of the thread that next_call() returned, unless that would be a system
  // call; kNot also when the thread stopped for another reason.
  Stepped step(pid_t thread);
  Snapshot snapshot(pid_t thread, std::size_t stack_bytes) const;

 private:
  std::optional<pid_t> wait_for_stop();
  bool may_block(pid_t thread) const;

  pid_t process_ = 0;
  pid_t stopped_ = 0;
  std::set<pid_t> seen_;
  bool in_call_ = false;  // stopped within vfork or clone, which goes on to wait
  int pending_signal_ = 0;
  ProcAccess access_;
};

}  // namespace plumb::detect
