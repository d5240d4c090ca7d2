// SPDX-License-Identifier: Apache-2.0
// plumb tree: who started whom, and what each holds.
#include <memory>

#include "app/cli/commands.h"
#include "app/cli/looking.h"
#include "detect/report/tree_document.h"

namespace plumb::app {
namespace {

struct Options {
  std::vector<std::string> selectors;
  bool json = false;
};

Exit run_tree(Context& context, const Options& options) {
  const auto selectors = read_selectors(options.selectors);
  if (!selectors) return Exit::kUsage;
  const auto survey = look({.waits = true});
  if (!survey) return Exit::kNotPossible;
  const auto selection = detect::select(*survey, *selectors);
  if (complain_of_unmatched(*survey, selection)) return Exit::kUsage;
  const detect::Joined joined(*survey);
  const auto nodes = detect::grow_tree(*survey, selection);
  if (options.json) {
    detect::write_tree_json(joined, nodes, context.out.sink());
  } else {
    detect::write_tree(joined, nodes, context.paper(), context.out.sink());
    mention_missing(*survey);
  }
  return Exit::kOk;
}

}  // namespace

Command add_tree(CLI::App& plumb) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = plumb.add_subcommand(
      "tree", "Show the process tree, equal children folded, with what each holds");
  command->add_option("SELECTOR", options->selectors, kSelectorHelp)->type_name("");
  command->add_flag("--json", options->json, "One JSON object a line (docs/json.md)");
  command->footer(
      "\nExamples:\n"
      "  plumb tree nvim      nvim, its children, and whom they wait for\n"
      "  plumb tree :8118     the processes that use port 8118, and what is below them\n");
  return {command, [options](Context& context) { return run_tree(context, *options); }};
}

}  // namespace plumb::app
