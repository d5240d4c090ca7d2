// SPDX-License-Identifier: Apache-2.0
// Children that play a part while the test takes a survey.
#pragma once

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <utility>

#include "plumb/base/unique_fd.h"

namespace plumb::detect {

// A forked process that runs `part` and then waits to be killed. The constructor returns when the
// part is done; what it wrote with say() is said().
class Child {
 public:
  template <typename Part>
  explicit Child(Part part) {
    auto [read_end, write_end] = std::move(UniqueFd::pipe()).value();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      read_end.reset();
      part(write_end);
      write_end.reset();
      while (true) ::pause();
    }
    write_end.reset();
    char bytes[256];
    for (ssize_t got; (got = ::read(read_end.get(), bytes, sizeof bytes)) > 0;) {
      said_.append(bytes, static_cast<std::size_t>(got));
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  int pid() const { return pid_; }
  const std::string& said() const { return said_; }

 private:
  int pid_ = -1;
  std::string said_;
};

// To the parent, from within a part.
inline void say(const UniqueFd& to, const std::string& text) {
  if (::write(to.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) ::_exit(3);
}

// The part cannot be played.
inline void require(bool holds) {
  if (!holds) ::_exit(2);
}

}  // namespace plumb::detect
