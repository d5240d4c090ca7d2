// SPDX-License-Identifier: Apache-2.0
// What the modes share, and the mode that opens every kind once.
#include "modes.h"

#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "kinds.h"

namespace plumb::factory {

Workshop::Workshop() {
  const char* base = ::getenv("TMPDIR");
  path_ = std::string(base != nullptr ? base : "/tmp") + "/plumb-factory-XXXXXX";
  if (::mkdtemp(path_.data()) == nullptr) {
    fmt::print(stderr, "factory: mkdtemp {}: {}\n", path_, std::strerror(errno));
    std::exit(1);
  }
}

Workshop::~Workshop() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

int fork_child() {
  const int parent = ::getpid();
  const int child = ::fork();
  if (child < 0) {
    fmt::print(stderr, "factory: fork: {}\n", std::strerror(errno));
    std::exit(1);
  }
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);  // it was gone before we asked
  }
  return child;
}

std::size_t descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_max;
}

void wait_for_end_of_input() {
  char bytes[4096];
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (got == 0 || (got < 0 && errno != EINTR)) return;
  }
}

int play_kinds() {
  const Workshop workshop;
  Roster roster;
  open_files(roster, workshop.path());
  open_streams(roster, workshop.path());
  open_sockets(roster, workshop.path());
  open_events(roster, workshop.path());
  open_kernel_objects(roster);
  roster.print();
  wait_for_end_of_input();
  return 0;
}

}  // namespace plumb::factory
