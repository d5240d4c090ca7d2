// SPDX-License-Identifier: Apache-2.0
// Forking, and the two pipes between the two.
#include "detect/source/held_child.h"

#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace plumb::detect {
namespace {

constexpr int kCannotExecute = 127;  // as shells say it

ssize_t read_whole(const UniqueFd& from, void* to, std::size_t bytes) {
  ssize_t got = 0;
  do {
    got = ::read(from.get(), to, bytes);
  } while (got < 0 && errno == EINTR);
  return got;
}

[[noreturn]] void run_child(const UniqueFd& word, const UniqueFd& failure,
                            const std::function<void()>& run) {
  char go = 0;
  if (read_whole(word, &go, sizeof(go)) != sizeof(go)) ::_exit(kCannotExecute);
  ::signal(SIGPIPE, SIG_DFL);  // plumb ignores it
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  run();
  const int code = errno;
  (void)!::write(failure.get(), &code, sizeof(code));
  ::_exit(kCannotExecute);
}

// A signal that came while the child was held (^C while a tracer gets ready) is met before it runs
// the program, and stops it for its tracer, who waits in go(): it is passed on. What else stops it
// (its exec, its end) is left for the owner to meet: true.
bool stopped_for_owner(pid_t pid) {
  siginfo_t stop{};
  const auto look = [&](int options) {
    return ::waitid(P_PID, static_cast<id_t>(pid), &stop, WSTOPPED | WNOHANG | options) == 0 &&
           stop.si_pid == pid;
  };
  if (!look(WNOWAIT)) return false;
  if (stop.si_status > 0x7f) return true;  // PTRACE_EVENT_… stands above the signal
  if (!look(0)) return false;
  const auto signal = static_cast<long>(stop.si_status);
  ::ptrace(PTRACE_CONT, pid, nullptr, reinterpret_cast<void*>(signal));
  return false;
}

}  // namespace

std::vector<char*> as_arguments(const std::vector<std::string>& words) {
  std::vector<char*> all;
  for (const std::string& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

Result<HeldChild> HeldChild::start(std::string name, const std::function<void()>& run) {
  auto word = UniqueFd::pipe();
  if (!word) return std::move(word).error();
  auto failure = UniqueFd::pipe();
  if (!failure) return std::move(failure).error();
  const pid_t pid = ::fork();
  if (pid < 0) return fail("fork", std::move(name), errno);
  if (pid == 0) {
    ::close(word->second.get());
    run_child(word->first, failure->second, run);
  }
  return HeldChild(Pid{pid}, std::move(name), std::move(word->second), std::move(failure->first));
}

Result<void> HeldChild::go() {
  const char go = 1;
  (void)!::write(word_.get(), &go, sizeof(go));
  word_.reset();
  constexpr int kMillisBetweenLooks = 10;
  for (pollfd said{failure_.get(), POLLIN, 0}; ::poll(&said, 1, kMillisBetweenLooks) <= 0;) {
    if (!stopped_for_owner(number(pid_))) continue;
    failure_.reset();
    return {};
  }
  int code = 0;
  const ssize_t got = read_whole(failure_, &code, sizeof(code));
  failure_.reset();
  if (got != static_cast<ssize_t>(sizeof(code))) return {};
  return fail("execute", name_, code);
}

}  // namespace plumb::detect
