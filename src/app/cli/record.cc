// SPDX-License-Identifier: Apache-2.0
// plumb record: the facts of a trace into a file, from which plumb report makes its report.
#include <memory>

#include "app/cli/commands.h"
#include "app/cli/names.h"
#include "app/cli/trace_arguments.h"
#include "app/cli/usage.h"
#include "plumb/base/human.h"

namespace plumb::app {
namespace {

struct Options {
  TraceArguments trace;
  std::string file;
  std::string most = "256MiB";
};

Exit run(Context& context, const Options& options) {
  const auto most = parse_size(options.most);
  if (!most || *most < kSmallestRecording) {
    complain("--max-size " + detect::clean(options.most) + ": write a size from " +
             human_size(kSmallestRecording) + " on, such as 64MiB");
    return Exit::kUsage;
  }
  auto plan = plan_trace(context, options.trace);
  if (!plan) return Exit::kUsage;
  // Recordings keep descriptors: a block's bytes and a pair's name have no place in them.
  std::vector<detect::Kind>& resources = plan->settings.options.resources;
  std::erase(resources, detect::Kind::kProbe);
  if (!resources.empty()) {
    complain("plumb record keeps descriptors alone; plumb trace follows the other kinds");
    return Exit::kUsage;
  }
  plan->recording = options.file;
  plan->most_bytes = *most;
  return run_trace(context, *plan);
}

}  // namespace

Command add_record(CLI::App& plumb) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = plumb.add_subcommand(
      "record", "Follow processes like plumb trace, and keep the facts in a file");
  command->add_option("-o,--output", options->file, "The file; one that is there is replaced")
      ->required()
      ->type_name("FILE");
  command->add_option("--max-size", options->most, "The file grows no larger (256MiB)")
      ->type_name("SIZE");
  add_trace_arguments(*command, options->trace);
  command->footer(
      one_of("KIND", kind_names()) +
      "\nExamples:\n"
      "  plumb record nginx -o nginx.plumb --for 10m   what nginx opened and still holds\n"
      "  plumb record -o run.plumb -- ./server         from the first instruction on\n"
      "  plumb report nginx.plumb                      the report, anywhere and by anybody\n"
      "  plumb diff nginx.plumb later.plumb            what has grown between two recordings\n");
  return {command, [options](Context& context) { return run(context, *options); }, true};
}

}  // namespace plumb::app
