// SPDX-License-Identifier: Apache-2.0
// The command line of what traces: `plumb trace` and `plumb record`.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/cli/command.h"
#include "app/cli/trace_kinds.h"
#include "app/cli/trace_run.h"
#include "detect/source/trace_source.h"

namespace plumb::app {

struct TraceArguments {
  std::vector<std::string> selectors;
  std::string duration;
  std::string min_age = "2s";
  std::string kinds;
  bool closed = false;
  bool no_children = false;
  std::uint32_t room = detect::TraceOptions().holdings;
  KindArguments others;  // besides descriptors
  TraceOutputs outputs;
};

// The options, filled while parsing; `arguments` must live as long as the parser runs.
void add_trace_arguments(CLI::App& command, TraceArguments& arguments);

// The plan that they make. Nothing where they make none: said, and the status is kUsage.
std::optional<TracePlan> plan_trace(const Context& context, const TraceArguments& arguments);

}  // namespace plumb::app
