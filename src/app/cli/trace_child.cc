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

// Runs in the child, where only async-signal-safe functions may be called.
[[noreturn]] void run_child(int start_line, int failure, char* const* command,
                            char* const* environment) {
  char nothing = 0;
  while (::read(start_line, &nothing, 1) < 0 && errno == EINTR) {
  }
  ::signal(SIGPIPE, SIG_DFL);  // plumb ignores it
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execvpe(command[0], command, environment);
  const int code = errno;
  (void)!::write(failure, &code, sizeof(code));
  ::_exit(127);
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
  auto start_line = UniqueFd::pipe();
  if (!start_line) return std::move(start_line).error();
  auto failure = UniqueFd::pipe();
  if (!failure) return std::move(failure).error();
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const std::vector<char*> environment = with_settings(settings);

  const pid_t pid = ::fork();
  if (pid < 0) return fail("fork", command.front(), errno);
  if (pid == 0) {
    ::close(start_line->second.get());
    run_child(start_line->first.get(), failure->second.get(), arguments.data(), environment.data());
  }
  TraceChild child(Pid{pid}, std::move(start_line->second), std::move(failure->first));
  constexpr long kHolds = PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT;
  if (::ptrace(PTRACE_SEIZE, pid, nullptr, as_pointer(kHolds)) != 0) {
    const int code = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return fail("ptrace", command.front(), code, "run as root");
  }
  return child;
}

Result<void> TraceChild::go() {
  start_line_.reset();
  int code = 0;
  ssize_t got = 0;
  do {
    got = ::read(failure_.get(), &code, sizeof(code));
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(sizeof(code))) return {};
  return fail("execute", "the command", code);
}

TraceChild::State TraceChild::attend() {
  const pid_t pid = number(pid_);
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
  ::ptrace(PTRACE_CONT, number(pid_), nullptr, nullptr);
}

void TraceChild::ask_to_end() {
  if (!status_) ::kill(number(pid_), SIGTERM);
}

}  // namespace plumb::app
