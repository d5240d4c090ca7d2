// SPDX-License-Identifier: Apache-2.0
// What a finding's births are tied to, as evidence: "+1 within 2 s after each of 6 runs of mark
// backup; by chance 1 in 10,000".
#pragma once

#include <span>

#include "detect/finding/facts.h"
#include "detect/finding/finding.h"

namespace plumb::detect {

// Births ascending: the first kMostBirthTimes at most from `from` on. Adds nothing where they are
// tied to no mark.
void add_lifts(const Facts& facts, std::span<const BootTime> births, BootTime from,
               Finding& finding);

}  // namespace plumb::detect
