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
  bool explain = false;
  bool verbose = false;
};

Exit run(Context& context, const Options& options) {
  if (!options.explain) return report_recording(context, options.file, options.outputs);
  return explain_recording(
      context, options.file,
      {.json = options.outputs.json, .html = options.outputs.html, .everything = options.verbose});
}

}  // namespace

Command add_report(CLI::App& plumb) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = plumb.add_subcommand(
      "report", "Print the report of a recording: on any machine, without being root");
  command->add_option("RECORDING", options->file, "A file that plumb record wrote")
      ->required()
      ->type_name("");
  CLI::Option* explain = command->add_flag(
      "--explain", options->explain, "Say what is wrong, why, and whose move it is: plumb explain");
  command->add_flag("-v,--verbose", options->verbose, "Tell of notes and of whole stacks too")
      ->needs(explain);
  add_trace_outputs(*command, options->outputs);
  command->footer(
      "\nExamples:\n"
      "  plumb report nginx.plumb                the same report as where it was recorded\n"
      "  plumb report --explain nginx.plumb      what plumb explain would have said there\n"
      "  plumb report nginx.plumb --html a.html  as a page with a flame graph\n");
  return {command, [options](Context& context) { return run(context, *options); }};
}

}  // namespace plumb::app
