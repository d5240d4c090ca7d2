// SPDX-License-Identifier: Apache-2.0
// What grew between two times, ready to be written.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "detect/model/trace_difference.h"
#include "detect/report/sink.h"
#include "detect/report/terminal.h"

namespace plumb::detect {

struct DifferenceDocument {
  const std::vector<OriginDifference>& origins;
  std::string before;  // what is compared: "a.plumb", "10s"
  std::string after;
  std::size_t most_stacks = 10;  // in text; JSON has all
};

// Whether there is more of anything than before, and how much more in all.
bool anything_grew(const DifferenceDocument& document);
std::int64_t growth_of_all(const DifferenceDocument& document);

void write_difference_text(const DifferenceDocument& document, const Paper& paper,
                           const Sink& sink);
// An "origin_difference" record each, a "difference" record at the end.
void write_difference_json(const DifferenceDocument& document, const Sink& sink);

}  // namespace plumb::detect
