// SPDX-License-Identifier: Apache-2.0
// plumb report: what a recording tells, elsewhere and without rights.
#include <memory>

#include "app/cli/commands.h"
#include "app/cli/replay.h"

namespace plumb::app {
namespace {

struct Options {
  std::string file;
  TraceOutputs outputs;
};

}  // namespace

Command add_report(CLI::App& plumb) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = plumb.add_subcommand(
      "report", "Print the report of a recording: on any machine, without being root");
  command->add_option("RECORDING", options->file, "A file that plumb record wrote")
      ->required()
      ->type_name("");
  add_trace_outputs(*command, options->outputs);
  command->footer(
      "\nExamples:\n"
      "  plumb report nginx.plumb                the same report as where it was recorded\n"
      "  plumb report nginx.plumb --html a.html  as a page with a flame graph\n");
  return {command, [options](Context& context) {
            return report_recording(context, options->file, options->outputs);
          }};
}

}  // namespace plumb::app
