// SPDX-License-Identifier: Apache-2.0
// Contested: closes of what was closed already, by process and by who had opened it; told apart
// into what is closed twice and what another thread closed first. From the trace.
#pragma once

#include <vector>

#include "detect/finding/facts.h"
#include "detect/finding/finding.h"

namespace plumb::detect {

struct Contested {
  ProcessIndex process{};
  std::vector<Frame> opener;
  std::vector<Frame> first;  // who closed it first; empty where that was not seen
  std::vector<Frame> again;  // whose close failed
  std::uint64_t times = 0;   // that it failed
  Fd example{};
  // Another thread than the one that had opened it closed it first, and its opener was left with
  // the close that failed.
  bool stolen = false;
};

// Without programs that close every number there is, one after the other.
std::vector<Contested> contested_closes(const Facts& facts);

// The places that a finding of either sort tells: opened, closed, closed again.
void add_places(const Contested& contested, Finding& finding);
std::string place_text(const std::vector<Frame>& stack);

inline constexpr std::uint64_t kFewContested = 3;  // fewer may be a clean-up after something rare

}  // namespace plumb::detect
