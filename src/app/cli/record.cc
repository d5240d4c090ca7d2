// SPDX-License-Identifier: Apache-2.0
// plumb record: the facts of a trace into a file, from which plumb report makes its report.
#include <memory>

#include "app/cli/commands.h"
#include "app/cli/option_values.h"
#include "app/cli/trace_arguments.h"
#include "app/cli/usage.h"
#include "detect/model/ready_pairs.h"
#include "plumb/base/human.h"

namespace plumb::app {
namespace {

struct Options {
  TraceArguments trace;
  std::string file;
  std::string most = "256MiB";
  bool explain = false;
  bool secrets = false;
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
  plan->recording = options.file;
  plan->most_bytes = *most;
  if (options.secrets) plan->secrets = detect::Secrets::kShow;
  if (options.explain) {
    plan->explanation = ExplainOutputs{.json = plan->outputs.json, .html = plan->outputs.html};
  }
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
  command->add_flag("--explain", options->explain,
                    "Print what plumb explain says of it, instead of the report");
  command->add_flag("--secrets", options->secrets,
                    "Keep secrets of command lines and of HTTP too, which are masked otherwise");
  add_trace_arguments(*command, options->trace);
  add_kind_arguments(*command, options->trace.others);
  command->footer(
      one_of("KIND", kind_names()) + one_of("PAIR", detect::ready_libraries()) +
      "\nExamples:\n"
      "  plumb record nginx -o nginx.plumb --for 10m   what nginx opened and still holds\n"
      "  plumb record -o run.plumb -- ./server         from the first instruction on\n"
      "  plumb report nginx.plumb                      the report, anywhere and by anybody\n"
      "  plumb diff nginx.plumb later.plumb            what has grown between two recordings\n");
  return {command, [options](Context& context) { return run(context, *options); }, true};
}

}  // namespace plumb::app
