// SPDX-License-Identifier: Apache-2.0
// One run of `plumb trace`, from loading the programs to the last report.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "app/cli/command.h"
#include "app/cli/trace_session.h"
#include "detect/record/kind.h"
#include "plumb/base/ids.h"

namespace plumb::app {

struct TracePlan {
  TraceSettings settings;
  std::vector<Pid> processes;        // to follow; or
  std::vector<std::string> command;  // to run
  std::optional<std::chrono::nanoseconds> duration;
  std::vector<detect::Kind> kinds;
  bool all_closings = false;
  bool json = false;
  std::string pprof;  // files to write; empty: none
  std::string folded;
  std::string html;
};

// Follows until the time is over, a SIGINT or SIGTERM comes, or all chosen processes have ended,
// and prints the report. kFindings where an origin is growing or the collector closed a listener.
Exit run_trace(Context& context, const TracePlan& plan);

}  // namespace plumb::app
