// SPDX-License-Identifier: Apache-2.0
// An editor that starts a helper for each heartbeat and hears of none again: each child's stdin,
// stdout and stderr are one socketpair, whose other end the editor keeps.
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "modes.h"
#include "plumb/base/unique_fd.h"

namespace plumb::factory {
namespace {

// Runs in the child. The name of a process is its file's, unless it says otherwise itself; the
// arguments are those of the program that this one plays.
[[noreturn]] void become_curl(const UniqueFd& end) {
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::dup2(end.get(), standard) < 0) std::_Exit(1);
  }
  const char* arguments[] = {"curl", "http://localhost:35033/exa.language_server/Heartbeat", "-d@-",
                             nullptr};
  ::execv("/proc/self/exe", const_cast<char**>(arguments));
  std::_Exit(1);
}

}  // namespace

int play_curl() {
  ::prctl(PR_SET_NAME, "curl");
  if (::write(STDOUT_FILENO, "x", 1) != 1) return 1;  // tells the editor that the name is right
  wait_for_end_of_input();
  return 0;
}

int play_editor(std::size_t children) {
  ::prctl(PR_SET_NAME, "editor");
  descriptor_limit();
  std::vector<UniqueFd> leaked;
  std::vector<int> pids;
  for (std::size_t i = 0; i < children; ++i) {
    auto ends = UniqueFd::socket_pair(AF_UNIX, SOCK_STREAM);
    if (!ends) {
      fmt::print(stderr, "factory: {}\n", ends.error().message());
      return 1;
    }
    const int child = fork_child();
    if (child == 0) become_curl(ends->second);
    char byte = 0;
    ends->second.reset();  // so that a child that failed reads as the end
    if (::read(ends->first.get(), &byte, 1) != 1) {
      fmt::print(stderr, "factory: child {} did not start\n", child);
      return 1;
    }
    fmt::print("{{\"fd\":{},\"child\":{}}}\n", ends->first.get(), child);
    leaked.push_back(std::move(ends->first));
    pids.push_back(child);
  }
  fmt::print("{{\"pid\":{},\"children\":{}}}\n{{\"ready\":true}}\n", ::getpid(), children);
  std::fflush(stdout);
  wait_for_end_of_input();
  leaked.clear();
  for (const int child : pids) ::waitpid(child, nullptr, 0);
  return 0;
}

}  // namespace plumb::factory
