// SPDX-License-Identifier: Apache-2.0
// The forms in which a trace's report can be had, whether it was made now or read from a recording.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

#include "app/cli/command.h"
#include "detect/report/trace_document.h"

namespace plumb::app {

struct TraceOutputs {
  bool json = false;  // on stdout, instead of text
  std::string pprof;  // files to write; empty: none
  std::string folded;
  std::string html;
};

// The options --json, --pprof, --folded and --html.
void add_trace_outputs(CLI::App& command, TraceOutputs& outputs);

// Writes the report. kFindings where an origin is growing or the collector closed a listener.
Exit write_trace(Context& context, const detect::TraceDocument& document,
                 const TraceOutputs& outputs);

}  // namespace plumb::app
