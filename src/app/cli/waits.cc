// SPDX-License-Identifier: Apache-2.0
// plumb waits: who waits for whom, and who should act.
#include <memory>

#include "app/cli/commands.h"
#include "app/cli/looking.h"
#include "detect/report/waits_document.h"

namespace plumb::app {
namespace {

struct Options {
  std::vector<std::string> selectors;
  bool json = false;
  bool dot = false;
};

Exit run_waits(Context& context, const Options& options) {
  const auto selectors = read_selectors(options.selectors);
  if (!selectors) return Exit::kUsage;
  const auto survey = look({.waits = true});
  if (!survey) return Exit::kNotPossible;
  const auto selection = detect::select(*survey, *selectors);
  if (complain_of_unmatched(*survey, selection)) return Exit::kUsage;
  const detect::Joined joined(*survey);
  const detect::WaitGraph graph(joined);
  detect::WaitsDocument document{graph, {}};
  if (selection.everything) {
    document.asked = detect::chain_starts(graph);
  } else {
    document.asked = detect::chosen_processes(*survey, selection);
  }
  if (options.json) {
    detect::write_waits_json(document, context.out.sink());
  } else if (options.dot) {
    detect::write_waits_dot(document, context.out.sink());
  } else {
    detect::write_waits(document, context.paper(), context.out.sink());
    mention_missing(*survey);
  }
  return detect::any_locked(document) ? Exit::kFindings : Exit::kOk;
}

}  // namespace

Command add_waits(CLI::App& plumb) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = plumb.add_subcommand(
      "waits", "Show who waits for whom, through every descriptor, and who should act");
  command->add_option("SELECTOR", options->selectors, kSelectorHelp)->type_name("");
  auto* json = command->add_flag("--json", options->json, "One JSON object a line (docs/json.md)");
  command->add_flag("--dot", options->dot, "A graph for dot(1)")->excludes(json);
  command->footer(
      "\nExamples:\n"
      "  plumb waits curl                  from curl to whoever keeps it waiting\n"
      "  plumb waits :5432                 those that wait on connections of port 5432\n"
      "  plumb waits --dot | dot -Tsvg > waits.svg\n");
  return {command, [options](Context& context) { return run_waits(context, *options); }};
}

}  // namespace plumb::app
