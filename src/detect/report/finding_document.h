// SPDX-License-Identifier: Apache-2.0
// The document of `plumb explain`: the answer, the findings with their evidence, what is missing.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "detect/finding/explain.h"
#include "detect/report/sink.h"
#include "detect/report/terminal.h"

namespace plumb::detect {

struct FindingDocument {
  const Explanation& explanation;
  std::chrono::nanoseconds observed{};
  std::size_t looks = 0;
  std::size_t traced = 0;            // processes whose stacks were taken
  std::vector<std::string> missing;  // what could not be seen, and what would help
  bool everything = false;           // notes and whole stacks too
};

// At most five lines of at most `width` cells: the first effect, because of what, whose move it is.
std::vector<std::string> answer_of(const FindingDocument& document, std::size_t width);

void write_findings_text(const FindingDocument& document, const Paper& paper, const Sink& sink);
// A "finding" record each, an "explanation" record at the end.
void write_findings_json(const FindingDocument& document, const Sink& sink);
// One page that needs nothing else: the chain as a graph, series as charts, stacks as flame graphs.
void write_findings_html(const FindingDocument& document, const Sink& sink);

}  // namespace plumb::detect
