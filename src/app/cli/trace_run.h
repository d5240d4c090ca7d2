// SPDX-License-Identifier: Apache-2.0
// One run of `plumb trace`, from loading the programs to the last report.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/cli/command.h"
#include "app/cli/explain_output.h"
#include "app/cli/trace_outputs.h"
#include "app/cli/trace_session.h"
#include "detect/model/secrets.h"
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
  TraceOutputs outputs;
  std::string recording;                             // a file that takes the facts; empty: none
  std::uint64_t most_bytes = 0;                      // of it
  detect::Secrets secrets = detect::Secrets::kMask;  // of what it keeps
  std::optional<ExplainOutputs> explanation;  // in the place of the report, of what was recorded
};

// A recording without a holding takes so much: a page for each table.
inline constexpr std::uint64_t kSmallestRecording = 256 * 1024;
inline constexpr std::uint64_t kUsualRecording = std::uint64_t{256} << 20;

// Follows until the time is over, a SIGINT or SIGTERM comes, or all chosen processes have ended,
// and prints the report. kFindings where an origin is growing or the collector closed a listener.
Exit run_trace(Context& context, const TracePlan& plan);

}  // namespace plumb::app
