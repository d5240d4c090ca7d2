// SPDX-License-Identifier: Apache-2.0
// What Go's HTTP server does with the connections that it has accepted, by its goroutines: each
// connection is served by one, until its handler takes it over (http.Hijacker) and returns.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "detect/finding/facts.h"

namespace plumb::detect {

struct GoServing {
  std::uint64_t serving = 0;  // goroutines of connections
  std::uint64_t waiting = 0;  // of them, for a request or the rest of its head
  std::uint64_t within = 0;   // of them, in the function of the program where most are
  std::vector<Frame> stack;   // of these, innermost first; empty where there are none
};

// Nothing where the process's goroutines were not read.
std::optional<GoServing> go_serving(const Facts& facts, Pid process);

// Whether this stack accepts for that server.
bool accepted_by_go_http(const std::vector<Frame>& stack);

}  // namespace plumb::detect
