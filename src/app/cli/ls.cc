// SPDX-License-Identifier: Apache-2.0
// plumb ls: who holds what, one line a descriptor.
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "app/cli/commands.h"
#include "app/cli/looking.h"
#include "app/cli/option_values.h"
#include "app/cli/usage.h"
#include "detect/report/list.h"

namespace plumb::app {
namespace {

struct Options {
  std::vector<std::string> selectors;
  std::string columns;
  std::string kinds;
  std::string states;
  std::string older;
  std::string sort;
  bool reverse = false;
  bool count = false;
  bool json = false;
  bool list_columns = false;
};

// What the options ask for, or nothing when one of them could not be read (said).
struct Plan {
  std::vector<detect::Selector> selectors;
  detect::ListFilter filter;
  std::vector<const detect::Column*> columns;
  const detect::Column* sort = nullptr;
};

std::optional<const detect::Column*> find_column(std::string_view name) {
  const detect::Column* column = detect::column_named(name);
  return column == nullptr ? std::nullopt : std::optional(column);
}

std::vector<std::string_view> column_names() {
  std::vector<std::string_view> names;
  for (const detect::Column& column : detect::all_columns()) names.push_back(column.name);
  return names;
}

std::vector<std::string_view> descriptor_kind_names() {
  std::vector<std::string_view> names;
  for (const detect::Kind kind : detect::all_kinds()) names.push_back(detect::name_of(kind));
  return names;
}

std::optional<Plan> make_plan(const Options& options) {
  Plan plan;
  auto selectors = read_selectors(options.selectors);
  if (!selectors) return std::nullopt;
  plan.selectors = std::move(*selectors);
  std::vector<const detect::Column*> sort;
  if (!read_names(options.kinds, "kind", descriptor_kind_names(), detect::kind_named,
                  plan.filter.kinds) ||
      !read_names(options.states, "state", detect::state_names(), detect::state_named,
                  plan.filter.states) ||
      !read_names(options.columns, "column", column_names(), find_column, plan.columns) ||
      !read_names(options.sort, "column", column_names(), find_column, sort)) {
    return std::nullopt;
  }
  if (sort.size() > 1) {
    complain("--sort takes one column");
    return std::nullopt;
  }
  if (!sort.empty()) plan.sort = sort.front();
  if (!read_duration("--older", options.older, plan.filter.older)) return std::nullopt;
  return plan;
}

void print_columns(Context& context) {
  for (const detect::Column& column : detect::all_columns()) {
    context.out.write(fmt::format("{:<12} {}\n", column.name, column.help));
  }
}

// Counting needs numbers and kinds alone, unless something is chosen by what a descriptor is.
detect::SurveyRequest counting_request(const Plan& plan) {
  detect::SurveyRequest request;
  request.names = request.sockets = request.details = request.command_lines = request.threads =
      false;
  for (const detect::Selector& selector : plan.selectors) {
    using Sort = detect::Selector::Sort;
    if (selector.sort == Sort::kName) request.command_lines = true;
    if (selector.sort == Sort::kPort || selector.sort == Sort::kPath) request.sockets = true;
    if (selector.sort == Sort::kPath) request.names = true;
  }
  if (!plan.filter.states.empty() || plan.filter.older) request.sockets = true;
  return request;
}

Exit run_count(Context& context, const Options& options, const Plan& plan) {
  const auto survey = look(counting_request(plan));
  if (!survey) return Exit::kNotPossible;
  const auto selection = detect::select(*survey, plan.selectors);
  if (complain_of_unmatched(*survey, selection)) return Exit::kUsage;
  const auto counts =
      detect::count_rows(*survey, detect::list_rows(*survey, selection, plan.filter));
  if (options.json) {
    detect::write_counts_json(*survey, counts, context.out.sink());
  } else {
    detect::write_counts(*survey, counts, context.paper(), context.out.sink());
    mention_missing(*survey);
  }
  return Exit::kOk;
}

Exit run_ls(Context& context, const Options& options) {
  if (options.list_columns) {
    print_columns(context);
    return Exit::kOk;
  }
  auto plan = make_plan(options);
  if (!plan) return Exit::kUsage;
  if (options.count) return run_count(context, options, *plan);

  const auto survey = look({});
  if (!survey) return Exit::kNotPossible;
  const auto selection = detect::select(*survey, plan->selectors);
  if (complain_of_unmatched(*survey, selection)) return Exit::kUsage;
  const detect::Joined joined(*survey);
  auto rows = detect::list_rows(*survey, selection, plan->filter);
  const auto unreadable = detect::unreadable_processes(*survey, selection, plan->filter);
  if (plan->sort != nullptr) {
    detect::sort_rows(rows, joined, *plan->sort,
                      options.reverse ? detect::Direction::kReverse : detect::Direction::kOwn);
  }
  if (options.json) {
    detect::write_list_json(joined, rows, unreadable, context.out.sink());
    return Exit::kOk;
  }
  const detect::Paper paper = context.paper();
  if (plan->columns.empty()) plan->columns = detect::default_columns(paper.width);
  detect::write_list(joined, rows, plan->columns, paper, context.out.sink());
  // Of the whole machine the survey itself says how many those are.
  if (!selection.everything) {
    std::fputs(detect::unreadable_text(*survey, unreadable).c_str(), stderr);
  }
  mention_missing(*survey);
  return Exit::kOk;
}

}  // namespace

Command add_ls(CLI::App& plumb) {
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      plumb.add_subcommand("ls", "List descriptors: who holds what, and who holds the other end");
  command->add_option("SELECTOR", options->selectors, kSelectorHelp)->type_name("");
  command->add_option("--kind", options->kinds, "Only these kinds, with commas between them")
      ->type_name("KIND,...");
  command->add_option("--state", options->states, "Only sockets in these states")
      ->type_name("STATE,...");
  command
      ->add_option("--older", options->older,
                   "Only connections known to be older: 30s, 10m, 2h (TCP, by their data)")
      ->type_name("DURATION");
  command->add_option("--columns", options->columns, "What to print of each: see --list-columns")
      ->type_name("COLUMN,...");
  command->add_flag("--list-columns", options->list_columns, "Print all columns and what they say");
  command->add_option("--sort", options->sort, "Sort by this column")->type_name("COLUMN");
  command->add_flag("--reverse", options->reverse, "Sort the other way round");
  command->add_flag("--count", options->count, "Print how many of each kind a process holds");
  command->add_flag("--json", options->json, "One JSON object a line (docs/json.md)");
  command->footer(
      one_of("KIND", descriptor_kind_names()) + one_of("STATE", detect::state_names()) +
      one_of("COLUMN", column_names()) +
      "\nExamples:\n"
      "  plumb ls nvim                          all that nvim holds, with the other ends\n"
      "  plumb ls :8080 --kind tcp              both sides of each connection of port 8080\n"
      "  plumb ls --state close-wait --older 10m\n"
      "  plumb ls --kind file --columns pid,command,held,name --sort held\n");
  return {command, [options](Context& context) { return run_ls(context, *options); }};
}

}  // namespace plumb::app
