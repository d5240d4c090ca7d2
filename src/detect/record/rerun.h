// SPDX-License-Identifier: Apache-2.0
// Rerun: what came of running a stuck child's own command again, under observation.
#pragma once

#include <chrono>
#include <optional>

#include "detect/record/process.h"

namespace plumb::detect {

struct Rerun {
  ProcessKey like;    // whose command it was
  ProcessKey parent;  // of that one
  Pid pid{};          // of the new one
  std::chrono::nanoseconds lasted{};
  std::optional<int> status;  // as of wait(2); nothing: it did not end by itself
  bool input_gone = false;    // what the other one read came over a pipe, and cannot be given again
};

}  // namespace plumb::detect
