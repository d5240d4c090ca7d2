// SPDX-License-Identifier: Apache-2.0
// FactoryRun: a factory of descriptors at work, for the length of a test.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

#include "plumb/base/ids.h"
#include "plumb/base/unique_fd.h"

namespace plumb {

// Starts the factory and waits until all is open; its end is the factory's. Throws
// std::runtime_error where the factory does not get ready.
class FactoryRun {
 public:
  // `prefix` is a command that runs the rest of its arguments: {"unshare", "--net"}.
  explicit FactoryRun(std::vector<std::string> arguments, std::vector<std::string> prefix = {});
  FactoryRun(const FactoryRun&) = delete;
  FactoryRun& operator=(const FactoryRun&) = delete;
  ~FactoryRun();

  // The process that this test started: the prefix's command, where there is one.
  Pid pid() const { return pid_; }
  // What it said, a line each, without the last {"ready":true}.
  const std::vector<nlohmann::json>& lines() const { return lines_; }
  // The rows about descriptors that are open.
  std::vector<nlohmann::json> rows() const;

 private:
  void read_lines();

  Pid pid_{};
  UniqueFd input_;
  UniqueFd output_;
  std::vector<nlohmann::json> lines_;
};

// Stops a process with SIGSTOP, and waits until it stands still; lets it go on at the end.
class Frozen {
 public:
  explicit Frozen(Pid pid);
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;
  ~Frozen();

 private:
  Pid pid_;
};

}  // namespace plumb
