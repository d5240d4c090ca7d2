// SPDX-License-Identifier: Apache-2.0
// DemoStage: the programs that play in a demonstration, from their start to their certain end.
//
// They are in a process group of their own, so that ^C reaches plumb alone, which then ends them;
// the kernel ends them (PR_SET_PDEATHSIG) should plumb be killed. What they start is in the group
// too, and becomes plumb's to wait for (PR_SET_CHILD_SUBREAPER) while the stage lives.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plumb/base/ids.h"
#include "plumb/base/result.h"
#include "plumb/base/unique_fd.h"

namespace plumb::app {

class DemoStage {
 public:
  // Errors: the programs are not where plumb is.
  static Result<DemoStage> open();

  // Starts the program `words` begins with. Errors: of fork and execve.
  Result<Pid> enter(std::vector<std::string> words);
  // Starts one that tells its port, and waits for that; at most ten seconds.
  struct Server {
    Pid pid{};
    std::string port;
  };
  Result<Server> enter_server(std::vector<std::string> words);

  // Starts two, the first of which says to the second what a server says. The first one's number.
  Result<Pid> enter_pair(std::vector<std::string> words, std::vector<std::string> listener);

  // Ends all of them, and what they have started; returns how many that were.
  std::size_t clear();

  DemoStage(DemoStage&& other) noexcept;
  DemoStage& operator=(DemoStage&&) = delete;
  ~DemoStage();

 private:
  explicit DemoStage(std::string program) : program_(std::move(program)) {}
  struct Streams {
    int input = -1;  // -1: nothing
    int output = -1;
  };
  Result<Pid> start(std::vector<std::string> words, Streams streams);

  std::string program_;
  std::optional<Pid> group_;
};

}  // namespace plumb::app
