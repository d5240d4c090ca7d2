// SPDX-License-Identifier: Apache-2.0
// Contested: uses and closes of what was closed already, by process and by who had opened it; told
// apart into what is closed twice and what was closed while it was still used. From the trace.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "detect/finding/facts.h"
#include "detect/finding/finding.h"

namespace plumb::detect {

struct Contested {
  ProcessIndex process{};
  std::vector<Frame> opener;
  std::vector<Frame> first;  // who closed it first; empty where that was not seen
  std::vector<Frame> again;  // whose call failed
  std::uint64_t times = 0;   // that it failed
  std::string_view call;     // that failed: "close", "read"
  Fd example{};
  // It was still used: a call other than close failed, or another thread than the one that had
  // opened it closed it first and its opener was left with the close that failed.
  bool used = false;
};

// Without programs that close every number there is, one after the other.
std::vector<Contested> contested_closes(const Facts& facts);

// What a finding of either sort begins with: whose it is, how sure, and the places: opened, closed,
// failed. Of fewer than three times a note, for that may be a clean-up after something rare.
Finding finding_of(const Facts& facts, std::string_view id, const Contested& contested,
                   Severity severity);
std::string place_text(const std::vector<Frame>& stack);

}  // namespace plumb::detect
