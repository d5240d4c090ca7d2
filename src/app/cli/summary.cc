// SPDX-License-Identifier: Apache-2.0
// plumb without a command: the machine on one screen.
#include "detect/report/summary.h"

#include <memory>

#include "app/cli/commands.h"
#include "app/cli/looking.h"

namespace plumb::app {
namespace {

Exit run_summary(Context& context, bool json) {
  const auto survey = look({.only = {}, .names = true, .sockets = true, .details = true});
  if (!survey) return Exit::kNotPossible;
  const detect::Joined joined(*survey);
  const auto tree = detect::grow_tree(*survey, detect::select(*survey, {}));
  const auto found = detect::glance(joined, tree);
  const detect::Summary summary{joined, tree, found};
  if (json) {
    detect::write_summary_json(summary, context.out.sink());
  } else {
    detect::write_summary(summary, context.paper(), context.out.sink());
    mention_missing(*survey);
  }
  return found.empty() ? Exit::kOk : Exit::kFindings;
}

}  // namespace

Command add_summary(CLI::App& plumb) {
  const auto json = std::make_shared<bool>(false);
  plumb.add_flag("--json", *json, "One JSON object a line (docs/json.md)");
  return {&plumb, [json](Context& context) { return run_summary(context, *json); }};
}

}  // namespace plumb::app
