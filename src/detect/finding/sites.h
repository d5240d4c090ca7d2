// SPDX-License-Identifier: Apache-2.0
// The trace's word on a process: which of its sites pile up, and what they look like.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
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

// The site at which a process starts most of its threads or children that still are there, two at
// least; `among`, where it is not empty, are the numbers of those that are meant. That they pile up
// is for others to say. Null where there is none.
const Site* starting_site(const Facts& facts, Pid process, Kind kind,
                          std::span<const Pid> among = {});
// The row that says which function of a library the threads of a finding run, where they run none
// of the program itself.
inline constexpr std::string_view kTheyRun = "they run";

// Adds the stack of such a site and rows on who starts them, and answers with that function:
// "serve (a.py:9)". Where none of the program's own is seen nothing is added, and it is empty.
std::string add_starter(const Facts& facts, const Site& site, Finding& finding);

}  // namespace plumb::detect
