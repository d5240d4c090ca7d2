// SPDX-License-Identifier: Apache-2.0
// The period of things that come again and again: "+1 every 5.9 s", from exact times of creation.
#pragma once

#include <chrono>
#include <optional>
#include <span>

#include "plumb/base/clock.h"

namespace plumb::detect {

struct Period {
  std::chrono::nanoseconds every{};
  double each = 1;          // how many come at a time
  std::size_t comings = 0;  // at how many times they came
};

// Of at least four comings, ascending, whose distances are multiples of one distance within a
// seventh of it; nothing for what comes when it likes. Things that came together (within a tenth
// of the median distance) count as one coming.
std::optional<Period> period_of(std::span<const BootTime> births);

}  // namespace plumb::detect
