// SPDX-License-Identifier: Apache-2.0
// The trace's word on a process: which of its sites pile up, and what they look like.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "detect/finding/facts.h"
#include "detect/finding/finding.h"

namespace plumb::detect {

// Sites of this process and kind that the survivor test calls growing; most survivors first.
std::vector<const Site*> growing_sites(const Facts& facts, Pid process, Kind kind);
// Births of those that live now.
std::uint64_t survivors(const Site& site);
// Survivors a second of the trace.
double survivor_rate(const Facts& facts, const Site& site);

// Adds the site's stack, and rows on where it acquires and how much of it survives.
void add_site(const Facts& facts, const Site& site, Finding& finding);
// Whether the site accepts connections.
bool accepts(const Site& site);

}  // namespace plumb::detect
