// SPDX-License-Identifier: Apache-2.0
// Piles: connections of one process in a state in which they should not stay. What the findings of
// such states have in common: when they are a warning, and who is to act.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "detect/finding/facts.h"
#include "detect/finding/finding.h"

namespace plumb::detect {

struct PileGrowth {
  Trend trend;
  bool grows = false;  // by enough to matter

  // ", +2/s"; empty where it does not grow.
  std::string text() const;
};

constexpr std::uint64_t kLeastPileRise = 3;

// How the count of such connections has moved; `now` is how many there are.
PileGrowth growth_of_pile(const Facts& facts, ProcessIndex process, Measure measure,
                          std::uint64_t now);

// Whose it is, how bad and the series. `all` connections, of which `lasting` were so at the first
// look: ten of these, or more and more, are a warning. `sure` holds where they do not grow.
Finding finding_of_pile(const Facts& facts, std::string_view id, ProcessIndex process,
                        Measure measure, const PileGrowth& growth, std::uint64_t all,
                        std::uint64_t lasting, double sure);

// Adds the code that makes the connections, where the trace has found it, and answers with who must
// act: that function, or the process.
std::string add_maker(const Facts& facts, ProcessIndex process, Finding& finding);

}  // namespace plumb::detect
