// SPDX-License-Identifier: Apache-2.0
// Running a process's own command again: with its program, arguments, environment, directory, user
// and limits, and nothing on its standard streams. It runs in a group of its own, which is ended
// with this object.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "detect/record/survey.h"
#include "detect/source/held_child.h"
#include "plumb/base/ids.h"
#include "plumb/base/result.h"

namespace plumb::app {

// What is needed to run it again, read while it lives.
struct Recipe {
  detect::ProcessKey like;
  std::string program;  // a path, or /proc/PID/exe where that is gone
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::string directory;  // as told; it is entered through /proc/PID/cwd
  // The file that is its standard input, which is read anew from its beginning; empty: none, and
  // nothing is given to read.
  std::string input;
  bool input_gone = false;  // it came over a pipe or a socket: it cannot be given again
  Uid user{};
  std::uint32_t group = 0;
  std::vector<std::uint32_t> groups;
  std::uint64_t descriptor_limit = 1024;

  // What will be done, for the one who is asked.
  std::string told(std::chrono::nanoseconds limit) const;
  // Errors: ESRCH, EACCES where it may not be read, ENOTSUP where it lives in other namespaces, in
  // which its addresses and paths mean something else.
  static Result<Recipe> of(const detect::Survey& survey, detect::ProcessIndex process);

 private:
  std::string input_told() const;
};

class Rerunning {
 public:
  // Held before its first instruction until go(). Errors: of fork.
  static Result<Rerunning> start(const Recipe& recipe);
  // Errors: of what the child could not do: enter the directory, become the user, execve.
  Result<void> go() { return child_.go(); }

  Pid pid() const { return child_.pid(); }
  // As of wait(2), once it has ended.
  std::optional<int> status();

  Rerunning(Rerunning&& other) noexcept;
  Rerunning& operator=(Rerunning&&) = delete;
  ~Rerunning();

 private:
  explicit Rerunning(detect::HeldChild child) : child_(std::move(child)) {}

  detect::HeldChild child_;
  std::optional<int> status_;
  bool mine_ = true;  // not moved from
};

}  // namespace plumb::app
