// SPDX-License-Identifier: Apache-2.0
// HeldChild: a new process that waits for a word before it runs a program, so that whoever wants to
// see it from the first instruction on can take hold of it first, and that tells what kept it from
// running it.
//
// If this process ends before the word was given, the child ends too. Nobody but the owner's
// waitpid() takes its end in: a HeldChild that was never let go leaves a child that has ended, or
// will as soon as the object goes. Threads: start() forks, so `run` may call only what is
// async-signal-safe.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "plumb/base/ids.h"
#include "plumb/base/result.h"
#include "plumb/base/unique_fd.h"

namespace plumb::detect {

// What execve(2) takes, of `words`, which must outlive it.
std::vector<char*> as_arguments(const std::vector<std::string>& words);

class HeldChild {
 public:
  // `name` is for errors. `run` executes the program in the child, with no signal blocked and
  // SIGPIPE as a program expects it, and returns with errno set where it could not. Errors: of pipe
  // and fork.
  static Result<HeldChild> start(std::string name, const std::function<void()>& run);

  // Lets it run, and waits until it does or could not. By the thread that traces it, if any does.
  // Errors: what `run` left in errno.
  Result<void> go();

  Pid pid() const { return pid_; }

 private:
  HeldChild(Pid pid, std::string name, UniqueFd word, UniqueFd failure)
      : pid_(pid), name_(std::move(name)), word_(std::move(word)), failure_(std::move(failure)) {}

  Pid pid_;
  std::string name_;
  UniqueFd word_;     // a byte says go, its end says that nobody will
  UniqueFd failure_;  // carries errno of a failed `run`; closed by a good execve
};

}  // namespace plumb::detect
