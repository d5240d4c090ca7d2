// SPDX-License-Identifier: Apache-2.0
// TraceChild: a command that `plumb trace -- CMD` runs: held before its first instruction until the
// trace follows it, held when it has executed a program so that its code can be read before it
// runs, and held again at its end so that what it leaves open can be looked at while it is still
// there.
//
// The later holds need ptrace (PTRACE_SEIZE, PTRACE_O_TRACEEXEC and PTRACE_O_TRACEEXIT) of the
// command's first thread, so no other debugger can have that one; its children and other threads
// are not touched. Where another thread executes a program, it takes the first one's place and is
// held from then on. If plumb dies the kernel lets the command go on.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "detect/source/held_child.h"
#include "plumb/base/ids.h"
#include "plumb/base/result.h"

namespace plumb::app {

class TraceChild {
 public:
  // Starts a process that waits for go(). `environment` are settings (NAME=VALUE) besides its own.
  // Errors: of fork and ptrace.
  static Result<TraceChild> start(const std::vector<std::string>& command,
                                  const std::vector<std::string>& environment = {});

  Pid pid() const { return child_.pid(); }
  // Lets it execute the command. Errors: of execvp, with the command's name.
  Result<void> go() { return child_.go(); }

  enum class State {
    kRuns,
    kExecuted,  // held before a program's first instruction; let_on() lets it go
    kEnding,    // held at its end: everything is still open; let_on() lets it go
    kGone,
  };
  // Takes in what happened to it, without waiting: signals are passed on to it, stops are kept.
  State attend();
  void let_on();
  // By SIGTERM, if it still is there.
  void ask_to_end();
  // As of wait(2), once it is gone.
  std::optional<int> status() const { return status_; }

  TraceChild(TraceChild&&) = default;
  TraceChild& operator=(TraceChild&&) = default;

 private:
  explicit TraceChild(detect::HeldChild child) : child_(std::move(child)) {}

  detect::HeldChild child_;
  bool first_left_ = false;  // the first thread ended, and the process did not
  std::optional<int> status_;
};

}  // namespace plumb::app
