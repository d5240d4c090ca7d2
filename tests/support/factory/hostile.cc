// SPDX-License-Identifier: Apache-2.0
// Names that a program can give on purpose: line breaks that forge rows, escape sequences that
// command a terminal, bytes that are no UTF-8, paths longer than the kernel will print.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "modes.h"
#include "roster.h"

namespace plumb::factory {
namespace {

// No NUL and no slash in any: each must serve as a file's name.
constexpr std::array<std::string_view, 9> kNames = {
    "two\nlines 1234 nginx 7 tcp",
    "red\x1b[31m and title\x1b]0;owned\x07",
    "carriage\rreturn\ttab\x08\x7f",
    "latin\xe9 overlong\xc0\xaf cut\xe2\x82 surrogate\xed\xa0\x80",
    "c1 raw \x9b"
    "31m and encoded \xc2\x9b"
    "31m",
    "right-to-left \xe2\x80\xae"
    "gnp.exe",
    "quote\" backslash\\ brace} \xff\xfe",
    "line separator \xe2\x80\xa8 next",
    " leading and trailing blanks ",
};

void open_abstract(Roster& roster, std::string_view name) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const auto unique = fmt::format("{}{}", ::getpid(), name);
  std::memcpy(address.sun_path + 1, unique.data(), unique.size());
  const int fd =
      roster.keep_or_refuse(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "unix", "abstract");
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + unique.size());
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd, 1) != 0) {
    roster.refuse("unix", "abstract", errno);
  }
}

// Directories inside each other until the path of a file in the last is `length` characters long.
// No path of that length can be opened; one is reached step by step.
void open_deep(Roster& roster, const std::string& base, std::size_t length) {
  constexpr std::size_t kStep = 250;
  UniqueFd here(::open(base.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::size_t reached = base.size();
  while (length - reached > kStep + 2) {
    const std::string name(kStep, 'd');
    if (::mkdirat(here.get(), name.c_str(), 0700) != 0 && errno != EEXIST) break;
    here = UniqueFd(::openat(here.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    reached += kStep + 1;
  }
  const std::string name(length - reached - 1, 'f');
  roster.keep_or_refuse(::openat(here.get(), name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600),
                        "file", fmt::format("{} characters", length));
}

// A child whose name and arguments are hostile; it plays play_curl.
int start_hostile_child(std::string_view name) {
  const int child = fork_child();
  if (child != 0) return child;
  const std::string argument(name);
  const char* arguments[] = {"hostile", argument.c_str(), nullptr};
  ::execv("/proc/self/exe", const_cast<char**>(arguments));
  std::_Exit(1);
}

}  // namespace

int play_hostile_child(const char* name) {
  ::prctl(PR_SET_NAME, name);
  wait_for_end_of_input();
  return 0;
}

int play_hostile() {
  const Workshop workshop;
  Roster roster;
  std::vector<int> children;
  for (const auto name : kNames) {
    const auto path = workshop.path() + "/" + std::string(name);
    roster.keep_or_refuse(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600), "file", name);
    roster.keep_or_refuse(::memfd_create(std::string(name).c_str(), MFD_CLOEXEC), "memfd", name);
    open_abstract(roster, name);
    children.push_back(start_hostile_child(name));
  }
  for (const std::size_t length : {4000, 4095, 4096, 5000}) {
    open_deep(roster, workshop.path(), length);
  }
  roster.print();
  wait_for_end_of_input();
  for (const int child : children) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  return 0;
}

}  // namespace plumb::factory
