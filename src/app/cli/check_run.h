// SPDX-License-Identifier: Apache-2.0
// One run of `plumb check`, from starting the command to the report.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "app/cli/command.h"
#include "app/cli/trace_session.h"
#include "detect/model/allow_list.h"

namespace plumb::app {

struct CheckPlan {
  std::vector<std::string> command;
  std::vector<std::string> kinds;  // only these; empty: all
  // Kinds that are no descriptors, for the engine; none: it is not needed.
  TraceSettings resources;
  bool needs_resources = false;  // without them the command is not run
  detect::AllowList allow;
  std::chrono::nanoseconds grace = std::chrono::seconds(1);
  int leak_status = 1;
  bool json = false;
  bool github = false;
  bool quiet = false;
  bool tell_excused = false;
  std::string junit;  // files to write; empty: none
  std::string output;
};

// The plan's leak status where something leaked, else the command's own, 128 + N where signal N
// ended it; 127 and 126 where it cannot be executed, as shells have it.
Exit run_check(Context& context, const CheckPlan& plan);

}  // namespace plumb::app
