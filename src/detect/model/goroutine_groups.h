// SPDX-License-Identifier: Apache-2.0
// Goroutines that stand at the same place, together: a leak is a group that grows. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "detect/record/goroutine.h"

namespace plumb::detect {

struct GoroutineGroup {
  struct Why {
    GoroutineState state = GoroutineState::kUnknown;
    std::uint8_t reason = 0;
    std::uint64_t count = 0;
  };
  struct Creator {
    StackNode stack = StackStore::kEmpty;  // empty: unknown
    std::uint64_t count = 0;
  };

  StackNode stack = StackStore::kEmpty;
  GoroutineStack read = GoroutineStack::kWhole;
  std::vector<std::uint32_t> members;  // indices into the snapshot, in its order
  std::vector<Why> whys;               // most first
  std::vector<Creator> creators;       // most first
  // Of those whose waiting the runtime has stamped; see Goroutine::waited.
  std::optional<std::chrono::nanoseconds> longest;
  std::optional<std::chrono::nanoseconds> shortest;
};

enum class SystemGoroutines : std::uint8_t { kLeaveOut, kKeep };

// Largest group first; equal ones in the order of their first member.
std::vector<GoroutineGroup> group_goroutines(const GoroutineSnapshot& snapshot,
                                             SystemGoroutines system);

}  // namespace plumb::detect
