// SPDX-License-Identifier: Apache-2.0
// editor: starts a heartbeat again and again, each a child whose standard streams are a unix socket
// to the editor. It cleans up after each child that ends. None has a time limit.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "app/cast/cast.h"
#include "app/cast/wires.h"

namespace plumb::cast {

// The two ends of a child's standard streams; empty where the editor has no descriptor left.
[[gnu::noinline]] std::pair<UniqueFd, UniqueFd> open_streams() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return {};
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

namespace {

using namespace std::chrono_literals;

constexpr auto kPeriod = 700ms;
constexpr rlim_t kTable = 128;  // the editor's limit of 1,024 in miniature

// Starts one with `end` as its standard streams.
pid_t start_beat(int end, const std::string& url, char* port) {
  const pid_t editor = ::getpid();
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != editor) ::_exit(0);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(end, stream);
  std::string name = "beat";
  std::string address = url;
  char* const words[] = {name.data(), address.data(), port, nullptr};
  ::execv("/proc/self/exe", words);
  ::_exit(127);
}

}  // namespace

int editor(int argc, char** argv) {
  const rlimit limit{kTable, kTable};
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) give_up("setrlimit");
  (void)port_argument(argc, argv);
  char* const port = argv[argc - 1];
  const std::string url = "http://service.example/Heartbeat";
  std::map<pid_t, UniqueFd> beats;
  for (;;) {
    if (auto [own, other] = open_streams(); own) {
      const pid_t pid = start_beat(other.get(), url, port);
      if (pid > 0) beats.emplace(pid, std::move(own));
    }
    std::this_thread::sleep_for(kPeriod);
    for (pid_t ended = 0; (ended = ::waitpid(-1, nullptr, WNOHANG)) > 0;) beats.erase(ended);
  }
}

}  // namespace plumb::cast
