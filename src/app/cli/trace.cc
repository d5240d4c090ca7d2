// SPDX-License-Identifier: Apache-2.0
// plumb trace: what is still open, by the line that opened it, and who closed what.
#include <memory>

#include "app/cli/choose.h"
#include "app/cli/commands.h"
#include "app/cli/names.h"
#include "app/cli/trace_run.h"
#include "app/cli/usage.h"
#include "plumb/base/human.h"

namespace plumb::app {
namespace {

struct Options {
  std::vector<std::string> selectors;
  std::string duration;
  std::string min_age = "2s";
  std::string kinds;
  bool closed = false;
  bool json = false;
  bool no_children = false;
  std::uint32_t room = detect::TraceOptions().holdings;
  std::string pprof;
  std::string folded;
  std::string html;
};

bool read_duration(const char* option, const std::string& text,
                   std::optional<std::chrono::nanoseconds>& into) {
  if (text.empty()) return true;
  into = parse_duration(text);
  if (!into)
    complain(std::string(option) + " " + detect::clean(text) + ": no duration; write 30s or 2m");
  return into.has_value();
}

Exit run_trace(Context& context, const Options& options) {
  TracePlan plan;
  std::optional<std::chrono::nanoseconds> min_age;
  if (!read_duration("--for", options.duration, plan.duration) ||
      !read_duration("--min-age", options.min_age, min_age) ||
      !read_kinds(options.kinds, plan.kinds)) {
    return Exit::kUsage;
  }
  plan.settings.min_age = min_age.value_or(std::chrono::seconds(2));
  plan.settings.options.keep_closers = options.closed;
  plan.settings.options.follow_children = !options.no_children;
  plan.settings.options.holdings = options.room;
  plan.all_closings = options.closed;
  plan.json = options.json;
  plan.pprof = options.pprof;
  plan.folded = options.folded;
  plan.html = options.html;
  plan.command = context.rest;
  if (options.selectors.empty() == plan.command.empty()) {
    complain("trace wants either a SELECTOR (a pid, a name, :port, …) or -- and a command to run");
    return Exit::kUsage;
  }
  if (!options.selectors.empty()) {
    auto chosen = choose_processes(options.selectors);
    if (!chosen) return Exit::kUsage;
    plan.processes = *std::move(chosen);
  }
  return run_trace(context, plan);
}

}  // namespace

Command add_trace(CLI::App& plumb) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = plumb.add_subcommand(
      "trace", "Follow processes: what they still hold, by the line that acquired it");
  command->add_option("SELECTOR", options->selectors,
                      "A pid, a command name, :port, a path, unit:NAME, cgroup:PATH; or -- CMD "
                      "ARGS… to run a command from its first instruction on");
  command->add_option("--for", options->duration, "End after this long (else at ^C)")
      ->type_name("DURATION");
  command->add_option("--min-age", options->min_age, "What is younger is not counted as held (2s)")
      ->type_name("DURATION");
  command->add_option("--kind", options->kinds, "Only these kinds, with commas between them")
      ->type_name("KIND,...");
  command->add_flag("--closed", options->closed,
                    "Tell of every close, with its stack; of listeners it is always told");
  command->add_flag("--no-children", options->no_children, "Do not follow children");
  command
      ->add_option("--room", options->room,
                   "Descriptors that may be open at a time (1048576); more are counted as lost")
      ->check(CLI::Range(1024U, 1U << 28U))
      ->type_name("COUNT");
  command->add_flag("--json", options->json, "One JSON object a line (docs/json.md)");
  command->add_option("--pprof", options->pprof, "Write a profile for go tool pprof")
      ->type_name("FILE");
  command->add_option("--folded", options->folded, "Write folded stacks for flame graphs")
      ->type_name("FILE");
  command->add_option("--html", options->html, "Write one page with a flame graph and a table")
      ->type_name("FILE");
  command->footer(
      one_of("KIND", kind_names()) +
      "\nExamples:\n"
      "  plumb trace nginx --for 30s            what nginx opened and still holds\n"
      "  plumb trace :8080 --kind tcp           connections by the line that accepted them\n"
      "  plumb trace -- ./server --port 80      from the first instruction on\n"
      "  plumb trace 812 --for 1m --pprof a.pb.gz\n");
  return {command, [options](Context& context) { return run_trace(context, *options); }, true};
}

}  // namespace plumb::app
