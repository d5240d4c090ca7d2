// SPDX-License-Identifier: Apache-2.0
// The document of `plumb waits`: chains of who waits for whom, and who should act at their ends.
#pragma once

#include <string>
#include <vector>

#include "detect/model/wait_chain.h"
#include "detect/report/sink.h"
#include "detect/report/terminal.h"

namespace plumb::detect {

struct WaitsDocument {
  const WaitGraph& graph;
  std::vector<ProcessIndex> asked;  // where the chains begin
};

// A tree for each chain, equal ones folded, and below it who should act.
void write_waits(const WaitsDocument& document, const Paper& paper, const Sink& sink);

// A "wait" record for each thread of the chains' processes, a "chain" record for each end that the
// asked ones' chains have, and a "survey" record.
void write_waits_json(const WaitsDocument& document, const Sink& sink);

// For Graphviz: a node a process, an edge for each wait that leads on.
void write_waits_dot(const WaitsDocument& document, const Sink& sink);

// Whether one of the asked can never go on.
bool any_locked(const WaitsDocument& document);

// "in read · pipe:[4711] → cat(812)": what a process does or waits for. Clean text.
std::string wait_line_text(const WaitGraph& graph, const WaitLine& line);

// "sleep(812) sleeps": the end of a chain as a sentence without its full stop. Clean text.
std::string chain_end_text(const WaitGraph& graph, const ChainEnd& end);

}  // namespace plumb::detect
