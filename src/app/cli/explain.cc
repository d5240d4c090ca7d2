// SPDX-License-Identifier: Apache-2.0
// plumb explain: the whole chain of causes.
#include <memory>

#include "app/cli/commands.h"
#include "app/cli/explain_run.h"
#include "app/cli/looking.h"
#include "app/cli/option_values.h"
#include "app/cli/trace_run.h"
#include "detect/report/terminal.h"

namespace plumb::app {
namespace {

struct Options {
  std::vector<std::string> selectors;
  std::string duration;
  ExplainOutputs outputs;
  std::string recording;
  bool reproduce = false;
  bool yes = false;
};

Exit run(Context& context, const Options& options) {
  ExplainPlan plan;
  if (!read_duration("--for", options.duration, plan.duration)) return Exit::kUsage;
  auto victims = read_selectors(options.selectors);
  if (!victims) return Exit::kUsage;
  plan.victims = *std::move(victims);
  plan.outputs = options.outputs;
  plan.recording = options.recording;
  plan.most_bytes = kUsualRecording;
  plan.reproduce = options.reproduce;
  plan.consent = options.yes ? Consent::kGiven : Consent::kAsk;
  return run_explain(context, plan);
}

}  // namespace

Command add_explain(CLI::App& plumb) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = plumb.add_subcommand(
      "explain", "Say what is wrong with a process or the machine, why, and whose move it is");
  command->add_option("SELECTOR", options->selectors, kSelectorHelp)->type_name("");
  command
      ->add_option("--for", options->duration,
                   "Watch this long (else until the verdict is firm, 10 to 60 s)")
      ->type_name("DURATION");
  command->add_flag("--json", options->outputs.json, "One JSON object a line (docs/json.md)");
  command
      ->add_option("--html", options->outputs.html,
                   "Write one page with the chain, charts and stacks")
      ->type_name("FILE");
  command->add_flag("-v,--verbose", options->outputs.everything,
                    "Tell of notes and of whole stacks too");
  command
      ->add_option("--record", options->recording,
                   "Keep the facts in a file, for plumb report --explain")
      ->type_name("FILE");
  command->add_flag("--reproduce", options->reproduce,
                    "Run a stuck child's command again, under observation; asks first");
  command->add_flag("-y,--yes", options->yes, "Run it without a question");
  command->footer(
      "\nExamples:\n"
      "  plumb explain nvim        why this editor runs out of descriptors\n"
      "  plumb explain :3000       why clients of port 3000 wait\n"
      "  plumb explain --for 1m    what is wrong on this machine\n");
  return {command, [options](Context& context) { return run(context, *options); }};
}

}  // namespace plumb::app
