// SPDX-License-Identifier: Apache-2.0
// LedgerGroup: the holdings of one shelf, kind and line, which a person sees as one.
#pragma once

#include <cstddef>
#include <vector>

#include "plumb/meter/ledger.h"

namespace plumb::runtime {

struct LedgerGroup {
  const LedgerRow* example = nullptr;  // one of them
  std::size_t count = 0;
  Holding::Clock::duration youngest{};
  Holding::Clock::duration oldest{};
  Holding::Clock::duration total{};
};

// The most numerous first. They point into `rows`.
std::vector<LedgerGroup> groups_of(const std::vector<LedgerRow>& rows);

}  // namespace plumb::runtime
