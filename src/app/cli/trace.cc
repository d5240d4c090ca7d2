// SPDX-License-Identifier: Apache-2.0
// plumb trace: what is still open, by the line that opened it, and who closed what.
#include <memory>

#include "app/cli/commands.h"
#include "app/cli/option_values.h"
#include "app/cli/trace_arguments.h"
#include "app/cli/usage.h"
#include "detect/model/ready_pairs.h"

namespace plumb::app {

Command add_trace(CLI::App& plumb) {
  const auto arguments = std::make_shared<TraceArguments>();
  CLI::App* command = plumb.add_subcommand(
      "trace", "Follow processes: what they still hold, by the line that acquired it");
  add_trace_arguments(*command, *arguments);
  add_kind_arguments(*command, arguments->others);
  command->footer(
      one_of("KIND", kind_names()) + one_of("PAIR", detect::ready_libraries()) +
      "\nExamples:\n"
      "  plumb trace nginx --for 30s            what nginx opened and still holds\n"
      "  plumb trace :8080 --kind tcp           connections by the line that accepted them\n"
      "  plumb trace -- ./server --port 80      from the first instruction on\n"
      "  plumb trace --heap -- ./server         which lines hold the memory\n"
      "  plumb trace 812 --pair 'conn=libpq.so.5:PQconnectdb,PQfinish'\n"
      "  plumb trace 812 --for 1m --pprof a.pb.gz\n");
  const auto run = [arguments](Context& context) {
    const auto plan = plan_trace(context, *arguments);
    return plan ? run_trace(context, *plan) : Exit::kUsage;
  };
  return {command, run, true};
}

}  // namespace plumb::app
