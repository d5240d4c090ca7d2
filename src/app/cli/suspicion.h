// SPDX-License-Identifier: Apache-2.0
// Suspicion: which processes deserve a trace, judged by counts alone. Cheap and generous: a trace
// costs a process about a microsecond for each descriptor that it opens and closes.
#pragma once

#include <set>
#include <vector>

#include "detect/finding/facts.h"

namespace plumb::app {

// Processes whose counts have risen and not come back, whose table is nearly full, or whose
// listener has a queue; most suspicious first, at most `most`. Never `self`.
std::vector<Pid> suspicious(const detect::Joined& first, const detect::Joined& now,
                            const detect::Observation& observation, Pid self, std::size_t most);

// The processes that a chain from the victims can lead to: they, what is below them, whoever has
// the other ends of what these hold, and the other ends of those.
std::set<Pid> circle_of(const detect::Joined& now, const std::vector<Pid>& victims);

}  // namespace plumb::app
