// SPDX-License-Identifier: Apache-2.0
// Starting, attending and ending a traced command.
#include "app/cli/trace_child.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace plumb::app {
namespace {

void* as_pointer(long value) {
  return reinterpret_cast<void*>(value);  // ptrace(2) passes numbers as pointers
}

// plumb's own environment with these settings in place of those of the same names.
std::vector<char*> with_settings(const std::vector<std::string>& settings) {
  std::vector<char*> all;
  for (char** one = environ; *one != nullptr; ++one) {
    const std::string_view setting = *one;
    const std::string_view name = setting.substr(0, setting.find('='));
    const bool replaced = std::ranges::any_of(settings, [&](const std::string& other) {
      return other.size() > name.size() && other.starts_with(name) && other[name.size()] == '=';
    });
    if (!replaced) all.push_back(*one);
  }
  for (const std::string& setting : settings) all.push_back(const_cast<char*>(setting.c_str()));
  all.push_back(nullptr);
  return all;
}

}  // namespace

Result<TraceChild> TraceChild::start(const std::vector<std::string>& command,
                                     const std::vector<std::string>& settings) {
  const std::vector<char*> arguments = detect::as_arguments(command);
  const std::vector<char*> environment = with_settings(settings);
  auto held = detect::HeldChild::start(
      command.front(), [&] { ::execvpe(arguments.front(), arguments.data(), environment.data()); });
  if (!held) return std::move(held).error();
  const pid_t pid = number(held->pid());
  TraceChild child(std::move(*held));
  constexpr long kHolds = PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT;
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
    if (got != pid) return State::kRuns;
    if (!WIFSTOPPED(status)) {
      status_ = status;
      return State::kGone;
    }
    const int event = status >> 16;
    if (event == PTRACE_EVENT_EXEC) return State::kExecuted;
    if (event == PTRACE_EVENT_EXIT) return State::kEnding;
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
