// SPDX-License-Identifier: Apache-2.0
// Reading the command line of a trace.
#include "app/cli/trace_arguments.h"

#include <algorithm>

#include "app/cli/choose.h"
#include "app/cli/option_values.h"

namespace plumb::app {
void add_trace_arguments(CLI::App& command, TraceArguments& arguments) {
  command.add_option("SELECTOR", arguments.selectors,
                     "A pid, a command name, :port, a path, unit:NAME, cgroup:PATH; or -- CMD "
                     "ARGS… to run a command from its first instruction on");
  command.add_option("--for", arguments.duration, "End after this long (else at ^C)")
      ->type_name("DURATION");
  command.add_option("--min-age", arguments.min_age, "What is younger is not counted as held (2s)")
      ->type_name("DURATION");
  command.add_option("--kind", arguments.kinds, "Only these kinds, with commas between them")
      ->type_name("KIND,...");
  command.add_flag("--closed", arguments.closed,
                   "Tell of every close, with its stack; of listeners it is always told");
  command.add_flag("--no-children", arguments.no_children, "Do not follow children");
  command
      .add_option("--room", arguments.room,
                  "Holdings that are followed at a time (1048576), below 131072 also stacks; more "
                  "are counted as lost")
      ->check(CLI::Range(1024U, 1U << 28U))
      ->type_name("COUNT");
  add_trace_outputs(command, arguments.outputs);
}

std::optional<TracePlan> plan_trace(const Context& context, const TraceArguments& arguments) {
  TracePlan plan;
  std::optional<std::chrono::nanoseconds> min_age;
  if (!read_duration("--for", arguments.duration, plan.duration) ||
      !read_duration("--min-age", arguments.min_age, min_age) ||
      !read_kinds(arguments.kinds, plan.kinds)) {
    return std::nullopt;
  }
  plan.settings.min_age = min_age.value_or(std::chrono::seconds(2));
  plan.settings.options.keep_closers = arguments.closed;
  plan.settings.options.follow_children = !arguments.no_children;
  detect::TraceOptions& options = plan.settings.options;
  options.holdings = arguments.room;
  options.stacks = std::min(options.stacks, arguments.room);
  // A stack has some ten return addresses, most of which others have too.
  options.addresses = std::min(options.addresses, 2 * std::min(options.addresses, arguments.room));
  plan.all_closings = arguments.closed;
  plan.outputs = arguments.outputs;
  plan.command = context.rest;
  if (arguments.selectors.empty() == plan.command.empty()) {
    complain("give either a SELECTOR (a pid, a name, :port, …) or -- and a command to run");
    return std::nullopt;
  }
  if (!arguments.selectors.empty()) {
    auto chosen = choose_processes(arguments.selectors);
    if (!chosen) return std::nullopt;
    plan.processes = *std::move(chosen);
  }
  if (!choose_kinds(arguments.others, plan)) return std::nullopt;
  return plan;
}

}  // namespace plumb::app
