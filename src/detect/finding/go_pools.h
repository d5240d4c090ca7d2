// SPDX-License-Identifier: Apache-2.0
// Connections that Go's HTTP client has put by and takes no more: each Transport has a pool of its
// own, so that who makes one for each request leaves a connection behind with each.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "detect/finding/facts.h"
#include "detect/record/frame.h"

namespace plumb::detect {

struct LeftIdle {
  std::uint64_t connections = 0;
  std::vector<Frame> stack;  // who sent the last request on them, innermost first
};

// Where most connections of the process were left, five at least and more than have a body that
// nobody has closed. Nothing where its requests were not watched.
std::optional<LeftIdle> left_idle(const Facts& facts, Pid process);

}  // namespace plumb::detect
