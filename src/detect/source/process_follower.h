// SPDX-License-Identifier: Apache-2.0
// ProcessFollower: a command and all processes that it starts, followed by ptrace, so that each is
// held at the moments when something is to be seen that is gone a moment later: when it makes
// something, when it starts another, and at its end, with everything still open.
//
// The calls that make something are chosen by a seccomp filter (SECCOMP_RET_TRACE), so that all
// others run at full speed. What the command starts has the filter too. Needs no privileges for
// programs of one's own: without CAP_SYS_ADMIN the command gets no_new_privs, and set-user-id
// programs run without their owner's rights; that is ptrace's rule as well.
//
// While one lives this process is the subreaper of its children (PR_SET_CHILD_SUBREAPER): those
// whose parent ends first become its own. If it dies the kernel kills all of them
// (PTRACE_O_EXITKILL), since without it the chosen calls would fail. Threads: one.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "detect/record/trace_event.h"
#include "detect/source/call_filter.h"
#include "detect/source/held_child.h"
#include "plumb/base/ids.h"
#include "plumb/base/result.h"

namespace plumb::detect {

// A system call that a filter chose. `result` is as the kernel gives it: -errno where it failed.
struct ChosenCall {
  Pid pid{};
  Tid tid{};
  std::uint16_t call = 0;
  std::array<std::uint64_t, 6> arguments{};
  std::int64_t result = 0;
};

// Told what happens. The thread that is told of stands still until the function returns.
class ProcessWatcher {
 public:
  virtual ~ProcessWatcher() = default;
  // `thread` of `parent` is in the call that started `child`, which may not have run yet, or have
  // ended already.
  virtual void on_fork(Pid parent, Tid thread, Pid child) = 0;
  // A new process before its first instruction: it has what its parent had.
  virtual void on_begin(Pid process) = 0;
  // It is another program now; what was closed by that is closed.
  virtual void on_exec(Pid process) = 0;
  // False: its end is of no interest, and after_call() not called.
  virtual bool before_call(const ChosenCall& call) = 0;
  virtual void after_call(const ChosenCall& call) = 0;
  // One of its threads ends it all, and these others still ran.
  virtual void on_exit_call(Pid process, const std::vector<Tid>& others) = 0;
  // `thread` was started by `starter` of the same process, which is in the call.
  virtual void on_thread(Pid process, Tid starter, Tid thread) = 0;
  // Its last thread ends; its table of descriptors and its memory are still there. `status` is as
  // of wait(2).
  virtual void on_end(Pid process, Tid thread, int status) = 0;
  // It is gone, and its parent can wait for it.
  virtual void on_gone(Pid process, int status) = 0;
};

class ProcessFollower {
 public:
  // Starts the command, held before its first instruction. `environment` are settings (NAME=VALUE)
  // besides its own. Errors: of fork, ptrace and seccomp.
  static Result<ProcessFollower> start(const std::vector<std::string>& command, ChosenCalls calls,
                                       const std::vector<std::string>& environment = {});

  // Lets it execute the command. Errors: of execvp, with the command's name.
  Result<void> go() { return child_.go(); }

  Pid pid() const { return child_.pid(); }
  // As of wait(2), once the command itself is gone.
  std::optional<int> status() const { return status_; }

  // Takes in all that has happened, without waiting; SIGCHLD says when there is more.
  void attend(ProcessWatcher& watcher);

  // Those that still run, by number.
  std::vector<Pid> alive() const;
  // The registers of a thread that a function of the watcher was called for.
  static std::optional<StackRegisters> registers(Tid thread);

  ProcessFollower(ProcessFollower&&) = default;
  ProcessFollower& operator=(ProcessFollower&&) = default;

 private:
  struct Thread {
    Pid process{};
    bool told = false;    // the call that started it was seen
    bool begun = false;   // its first stop was
    bool ending = false;  // its last one was
    std::optional<ChosenCall> in_call;
  };

  explicit ProcessFollower(HeldChild child) : child_(std::move(child)) {}

  Thread& thread(pid_t tid);
  bool is_last(Pid process, pid_t tid) const;
  void stopped(pid_t tid, int status, ProcessWatcher& watcher);
  void started(pid_t tid, Thread& by, ProcessWatcher& watcher);
  bool begin_call(pid_t tid, Thread& in, ProcessWatcher& watcher);
  void end_call(pid_t tid, Thread& in, ProcessWatcher& watcher);
  void executed(pid_t tid, ProcessWatcher& watcher);
  void ends(pid_t tid, Thread& thread, ProcessWatcher& watcher);
  void gone(pid_t tid, int status, ProcessWatcher& watcher);

  HeldChild child_;
  std::optional<int> status_;
  std::map<pid_t, Thread> threads_;
  // Whose end came before the call that started them, and what process they were of: the kernel
  // reports in no order. They may still be zombies, and are not met again.
  std::map<pid_t, Pid> gone_untold_;
};

}  // namespace plumb::detect
