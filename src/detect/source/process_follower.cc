// SPDX-License-Identifier: Apache-2.0
// Starting, stopping and letting go.
#include "detect/source/process_follower.h"

#include <asm/unistd_64.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "detect/source/child_environment.h"
#include "detect/source/process_files.h"
#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

constexpr int kSystemCallStop = SIGTRAP | 0x80;  // PTRACE_O_TRACESYSGOOD

void* as_pointer(long value) {
  return reinterpret_cast<void*>(value);  // ptrace(2) passes numbers as pointers
}

void go_on(pid_t tid, int signal = 0) {
  ::ptrace(PTRACE_CONT, tid, nullptr, as_pointer(signal));
}

bool install(const sock_fprog& program) {
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0) return true;
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

std::optional<Pid> process_of(pid_t tid) {
  const auto text = read_file("/proc/" + std::to_string(tid) + "/status", kProcessFileLimit);
  if (!text) return std::nullopt;
  std::string_view rest = *text;
  while (!rest.empty()) {
    std::string_view line = take_until(rest, '\n');
    if (!line.starts_with("Tgid:")) continue;
    const auto number = parse_number<std::int32_t>(trim(line.substr(5)));
    if (number) return Pid{*number};
  }
  return std::nullopt;
}

std::optional<unsigned long> message_of(pid_t tid) {
  unsigned long message = 0;
  if (::ptrace(PTRACE_GETEVENTMSG, tid, nullptr, &message) != 0) return std::nullopt;
  return message;
}

std::optional<user_regs_struct> registers_of(pid_t tid) {
  user_regs_struct registers{};
  if (::ptrace(PTRACE_GETREGS, tid, nullptr, &registers) != 0) return std::nullopt;
  return registers;
}

}  // namespace

Result<ProcessFollower> ProcessFollower::start(const std::vector<std::string>& command,
                                               ChosenCalls calls,
                                               const std::vector<std::string>& settings) {
  std::vector<sock_filter> filter = call_filter(calls);
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
    return fail("become the subreaper of", command.front(), errno);
  }

  const std::vector<char*> arguments = as_arguments(command);
  const std::vector<char*> environment = with_settings(settings);
  auto child = HeldChild::start(command.front(), [&] {
    if (install(program)) ::execvpe(arguments.front(), arguments.data(), environment.data());
  });
  if (!child) return std::move(child).error();
  const pid_t pid = number(child->pid());
  ProcessFollower follower(std::move(*child));
  constexpr long kOptions = PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                            PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT |
                            PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD;
  if (::ptrace(PTRACE_SEIZE, pid, nullptr, as_pointer(kOptions)) != 0) {
    const int code = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return fail("ptrace", command.front(), code,
                "kernel.yama.ptrace_scope or a container's seccomp profile forbids it; see "
                "docs/check.md");
  }
  follower.threads_[pid] = {
      .process = Pid{pid}, .told = true, .begun = true, .ending = false, .in_call = {}};
  return follower;
}

std::optional<StackRegisters> ProcessFollower::registers(Tid thread) {
  const auto found = registers_of(number(thread));
  if (!found) return std::nullopt;
  return StackRegisters{.ip = found->rip,
                        .sp = found->rsp,
                        .bp = found->rbp,
                        .bx = found->rbx,
                        .r12 = found->r12,
                        .r13 = found->r13,
                        .r14 = found->r14,
                        .r15 = found->r15};
}

std::vector<Pid> ProcessFollower::alive() const {
  std::vector<Pid> found;
  for (const auto& [tid, thread] : threads_) {
    if (!std::ranges::count(found, thread.process)) found.push_back(thread.process);
  }
  return found;
}

ProcessFollower::Thread& ProcessFollower::thread(pid_t tid) {
  const auto [known, added] = threads_.try_emplace(tid);
  if (added) known->second.process = process_of(tid).value_or(Pid{tid});
  return known->second;
}

bool ProcessFollower::is_last(Pid process, pid_t tid) const {
  return std::ranges::none_of(threads_, [&](const auto& entry) {
    return entry.second.process == process && entry.first != tid && !entry.second.ending;
  });
}

void ProcessFollower::attend(ProcessWatcher& watcher) {
  for (;;) {
    int status = 0;
    const pid_t tid = ::waitpid(-1, &status, WNOHANG | __WALL);
    if (tid <= 0) return;
    if (WIFSTOPPED(status)) {
      stopped(tid, status, watcher);
    } else {
      gone(tid, status, watcher);
    }
  }
}

void ProcessFollower::stopped(pid_t tid, int status, ProcessWatcher& watcher) {
  Thread& stopped = thread(tid);
  const int signal = WSTOPSIG(status);
  switch (status >> 16) {
    case 0:
      if (signal != kSystemCallStop) return go_on(tid, signal);
      end_call(tid, stopped, watcher);
      return go_on(tid);
    case PTRACE_EVENT_SECCOMP:
      if (!begin_call(tid, stopped, watcher)) return go_on(tid);
      ::ptrace(PTRACE_SYSCALL, tid, nullptr, nullptr);
      return;
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
      started(tid, stopped, watcher);
      return go_on(tid);
    case PTRACE_EVENT_EXEC:
      executed(tid, watcher);
      return go_on(tid);
    case PTRACE_EVENT_EXIT:
      ends(tid, stopped, watcher);
      return go_on(tid);
    case PTRACE_EVENT_STOP: {
      if (!std::exchange(stopped.begun, true) && number(stopped.process) == tid) {
        watcher.on_begin(stopped.process);
      }
      // A group stop stays one; the trap of a new thread and of a continued one does not.
      const bool group =
          signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
      ::ptrace(group ? PTRACE_LISTEN : PTRACE_CONT, tid, nullptr, nullptr);
      return;
    }
    default:
      return go_on(tid);
  }
}

void ProcessFollower::started(pid_t tid, Thread& by, ProcessWatcher& watcher) {
  const auto message = message_of(tid);
  if (!message) return;
  const auto child = static_cast<pid_t>(*message);
  Pid process{};
  if (const auto gone = gone_untold_.find(child); gone != gone_untold_.end()) {
    process = gone->second;
    gone_untold_.erase(gone);
  } else {
    Thread& met = thread(child);
    met.told = true;
    process = met.process;
  }
  if (process == Pid{child}) {
    watcher.on_fork(by.process, Tid{tid}, Pid{child});
  } else {
    watcher.on_thread(by.process, Tid{tid}, Tid{child});
  }
}

bool ProcessFollower::begin_call(pid_t tid, Thread& in, ProcessWatcher& watcher) {
  const auto registers = registers_of(tid);
  if (!registers) return false;
  in.in_call = ChosenCall{.pid = in.process,
                          .tid = Tid{tid},
                          .call = static_cast<std::uint16_t>(registers->orig_rax),
                          .arguments = {registers->rdi, registers->rsi, registers->rdx,
                                        registers->r10, registers->r8, registers->r9},
                          .result = 0};
  if (watcher.before_call(*in.in_call)) return true;
  in.in_call.reset();
  return false;
}

void ProcessFollower::end_call(pid_t tid, Thread& in, ProcessWatcher& watcher) {
  const auto registers = registers_of(tid);
  if (!registers || !in.in_call) return;
  ChosenCall call = *std::exchange(in.in_call, std::nullopt);
  call.result = static_cast<std::int64_t>(registers->rax);
  watcher.after_call(call);
}

// The thread that executes takes its process's number; the others have ended without a word.
void ProcessFollower::executed(pid_t tid, ProcessWatcher& watcher) {
  const Pid process{tid};
  const auto known = threads_.find(tid);
  const bool told = known == threads_.end() || known->second.told;
  std::erase_if(threads_, [&](const auto& entry) { return entry.second.process == process; });
  threads_[tid] = {.process = process, .told = told, .begun = true, .ending = false, .in_call = {}};
  watcher.on_exec(process);
}

void ProcessFollower::ends(pid_t tid, Thread& thread, ProcessWatcher& watcher) {
  thread.ending = true;
  const auto status = message_of(tid);
  if (const auto registers = registers_of(tid);
      registers && registers->orig_rax == __NR_exit_group) {
    std::vector<Tid> others;
    for (const auto& [other, known] : threads_) {
      if (known.process == thread.process && !known.ending) others.push_back(Tid{other});
    }
    if (!others.empty()) watcher.on_exit_call(thread.process, others);
  }
  if (!is_last(thread.process, tid) || !status) return;
  watcher.on_end(thread.process, Tid{tid}, static_cast<int>(*status));
}

void ProcessFollower::gone(pid_t tid, int status, ProcessWatcher& watcher) {
  if (Pid{tid} == pid()) status_ = status;
  const auto known = threads_.find(tid);
  const bool process = known == threads_.end() || known->second.process == Pid{tid};
  if (known != threads_.end()) {
    if (!known->second.told) gone_untold_.emplace(tid, known->second.process);
    threads_.erase(known);
  }
  if (process) watcher.on_gone(Pid{tid}, status);
}

}  // namespace plumb::detect
