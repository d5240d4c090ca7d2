// SPDX-License-Identifier: Apache-2.0
// Starting, attending and ending a traced command.
#include "app/cli/trace_child.h"

#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "detect/source/child_environment.h"
#include "plumb/base/text.h"

namespace plumb::app {
namespace {

constexpr long kHolds = PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT;

void* as_pointer(long value) {
  return reinterpret_cast<void*>(value);  // ptrace(2) passes numbers as pointers
}

// Whether a thread runs that is not about to end. One that a signal or exit_group(2) ends has
// SIGKILL pending before any thread does, and PF_EXITING after it has taken that.
bool goes_on(const std::string& thread) {
  constexpr std::size_t kMostText = 8192;
  constexpr std::uint64_t kKilled = 1U << (SIGKILL - 1);
  constexpr std::uint64_t kExiting = 0x4;
  constexpr int kFlagsAfterName = 7;  // proc_pid_stat(5): the ninth field
  const auto status = read_file(thread + "/status", kMostText);
  const auto stat = read_file(thread + "/stat", kMostText);
  if (!status || !stat) return false;  // gone
  std::string_view lines = *status;
  while (!lines.empty()) {
    std::string_view line = take_until(lines, '\n');
    if (take_until(line, ':') != "SigPnd") continue;
    if (parse_number<std::uint64_t>(take_word(line), 16).value_or(0) & kKilled) return false;
  }
  std::string_view fields = std::string_view(*stat).substr(stat->rfind(')') + 1);
  std::string_view field;
  for (int i = 0; i < kFlagsAfterName; ++i) field = take_word(fields);
  return (parse_number<std::uint64_t>(field).value_or(0) & kExiting) == 0;
}

// Whether a thread besides the first goes on, as of the end of that one: the process then goes on
// too, or one of them is executing a program and waits for the first to be gone.
bool others_go_on(Pid process) {
  const std::string folder = "/proc/" + std::to_string(number(process)) + "/task";
  const std::string first = std::to_string(number(process));
  // Between taking the signal and PF_EXITING a thread shows neither.
  constexpr int kLooks = 20;
  for (int look = 0; look < kLooks; ++look) {
    std::error_code gone;
    bool any = false;
    std::filesystem::directory_iterator at(folder, gone);
    for (; !gone && at != std::filesystem::directory_iterator(); at.increment(gone)) {
      any |= at->path().filename() != first && goes_on(at->path());
    }
    if (!any) return false;
    ::poll(nullptr, 0, 5);
  }
  return true;
}

}  // namespace

Result<TraceChild> TraceChild::start(const std::vector<std::string>& command,
                                     const std::vector<std::string>& settings) {
  const std::vector<char*> arguments = detect::as_arguments(command);
  const std::vector<char*> environment = detect::with_settings(settings);
  auto held = detect::HeldChild::start(
      command.front(), [&] { ::execvpe(arguments.front(), arguments.data(), environment.data()); });
  if (!held) return std::move(held).error();
  const pid_t pid = number(held->pid());
  TraceChild child(std::move(*held));
  if (::ptrace(PTRACE_SEIZE, pid, nullptr, as_pointer(kHolds)) != 0) {
    const int code = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return fail("ptrace", command.front(), code, "run as root");
  }
  return child;
}

TraceChild::State TraceChild::attend() {
  const pid_t pid = number(child_.pid());
  for (;;) {
    if (status_) return State::kGone;
    int status = 0;
    const pid_t got = ::waitpid(pid, &status, WNOHANG | __WALL);
    if (got != pid) {
      // Refused while the first thread's remains are still there.
      if (first_left_ && ::ptrace(PTRACE_SEIZE, pid, nullptr, as_pointer(kHolds)) == 0) {
        first_left_ = false;
      }
      return State::kRuns;
    }
    if (!WIFSTOPPED(status)) {
      status_ = status;
      return State::kGone;
    }
    const int event = status >> 16;
    if (event == PTRACE_EVENT_EXEC) return State::kExecuted;
    if (event == PTRACE_EVENT_EXIT) {
      if (!others_go_on(this->pid())) return State::kEnding;
      first_left_ = true;
      let_on();
      continue;
    }
    if (event == PTRACE_EVENT_STOP) {
      // A group stop stays one; the trap of PTRACE_INTERRUPT and of attaching does not.
      const int signal = WSTOPSIG(status);
      const bool group =
          signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
      ::ptrace(group ? PTRACE_LISTEN : PTRACE_CONT, pid, nullptr, nullptr);
    } else {
      ::ptrace(PTRACE_CONT, pid, nullptr, as_pointer(WSTOPSIG(status)));
    }
  }
}

void TraceChild::let_on() {
  ::ptrace(PTRACE_CONT, number(pid()), nullptr, nullptr);
}

void TraceChild::ask_to_end() {
  if (!status_) ::kill(number(pid()), SIGTERM);
}

}  // namespace plumb::app
