// SPDX-License-Identifier: Apache-2.0
// Lift: whether things come after marks more often than chance has it. "+1 within 2 s after each of
// 6 runs of job X; by chance 1 in 10,000".
//
// A run is a mark's start, up to its stop where that is known. Were the births spread over the time
// of looking without regard to the runs, each run would have one within its window with a
// probability that follows from the window's length and the number of births; how often at least
// as many runs as were seen would have one is a Poisson binomial tail. Each name and each window
// that is tried is a test of its own, and the probability is multiplied by their number
// (Bonferroni). A probability alone ties nothing: half of the births or more must be in windows.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "detect/record/mark.h"

namespace plumb::detect {

struct Lift {
  Mark::Source source{};
  std::string name;
  std::size_t runs = 0;               // within the time of looking
  std::size_t followed = 0;           // of them, by a birth within the window
  std::size_t births = 0;             // all
  std::size_t within = 0;             // of them, within the window of a run
  double expected = 0;                // runs that chance would have followed
  std::chrono::nanoseconds window{};  // after the run's end
  bool ended = false;                 // stops are known: the window is the run and what follows it
  double probability = 1;             // corrected for the number of tests
};

struct Looking {
  BootTime from{};
  BootTime to{};
};

// The names that the births are tied to, least probable by chance first; mostly none or one. Births
// ascending; what is outside the time of looking is left out. Names with fewer than three runs tell
// nothing; of the runs of a name the first 256 are taken. Pure.
std::vector<Lift> lifts_of(std::span<const BootTime> births, std::span<const Mark> marks,
                           const Looking& looking);

}  // namespace plumb::detect
