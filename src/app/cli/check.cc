// SPDX-License-Identifier: Apache-2.0
// plumb check: a leak gate around any command.
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>

#include "app/cli/check_run.h"
#include "app/cli/commands.h"
#include "app/cli/option_values.h"
#include "app/cli/trace_kinds.h"
#include "app/cli/trace_pairs.h"
#include "app/cli/usage.h"
#include "detect/record/resource_kind.h"
#include "plumb/base/text.h"

namespace plumb::app {
namespace {

constexpr std::size_t kMostAllowFile = 1 << 20;
constexpr const char* kAllowFile = ".plumb-allow";

// A gate's verdict must not hang on chance.
constexpr const char* kEveryBlock = "1B";

struct Options {
  std::vector<std::string> allow;
  std::string allow_file;
  std::string kinds;
  KindArguments others{.pairs = {}, .pair_files = {}, .heap_mean = kEveryBlock};
  std::string grace = "1s";
  int leak_status = 1;
  bool json = false;
  bool github = false;
  bool quiet = false;
  bool all = false;
  std::string junit;
  std::string output;
};

// What a check tells of: what has no kind of its own, and the kinds of a trace.
std::vector<std::string_view> check_kinds() {
  std::vector<std::string_view> names = {"listener", "process", "zombie", "temporary"};
  std::ranges::copy(kind_names(), std::back_inserter(names));
  return names;
}

bool read_check_kinds(std::string_view list, std::vector<std::string>& kinds) {
  const auto all = check_kinds();
  const auto find = [&](std::string_view name) {
    return std::ranges::count(all, name) > 0 ? std::optional(std::string(name)) : std::nullopt;
  };
  return read_names(list, "kind", all, find, kinds);
}

// The one of the directory that plumb is called in, or of the nearest above it.
std::string nearest_allow_file() {
  std::error_code error;
  auto directory = std::filesystem::current_path(error);
  if (error) return {};
  for (;; directory = directory.parent_path()) {
    if (std::filesystem::is_regular_file(directory / kAllowFile, error)) {
      return (directory / kAllowFile).string();
    }
    if (directory == directory.parent_path()) return {};
  }
}

bool read_allowed(const Options& options, detect::AllowList& allow) {
  const auto added = [](const Result<void>& result) {
    if (!result) complain(result.error().message());
    return result.ok();
  };
  for (const std::string& pattern : options.allow) {
    if (!added(allow.add(pattern, "--allow"))) return false;
  }
  const std::string path = options.allow_file.empty() ? nearest_allow_file() : options.allow_file;
  if (path.empty()) return true;
  const auto text = read_file(path, kMostAllowFile);
  if (!text) {
    complain(text.error().message());
    return false;
  }
  return added(allow.add_lines(*text, std::filesystem::path(path).filename().string()));
}

// What the engine of a trace is to follow, if anything. Threads and children are seen without it.
bool choose_resources(const Options& options, CheckPlan& plan) {
  TracePlan engine;
  engine.command = plan.command;
  for (const std::string& name : plan.kinds) {
    const auto kind = detect::resource_named(name);
    const bool held = kind == detect::Kind::kThread || kind == detect::Kind::kChild;
    if (kind && !held) engine.kinds.push_back(*kind);
  }
  const bool chosen = !plan.kinds.empty();
  if (!choose_kinds(options.others, engine)) return false;
  plan.needs_resources = !engine.kinds.empty();
  plan.resources = engine.settings;
  plan.resources.freed = detect::FreedMemory::kWiped;
  auto& followed = plan.resources.options.resources;
  if (!chosen) {
    const bool told = std::ranges::count(followed, detect::Kind::kProbe) > 0;
    if (!told && has_own_probes(program_path(plan.command.front()))) {
      followed.push_back(detect::Kind::kProbe);
    }
    return true;
  }
  // An option of its own adds to what is told; without one nothing is found by itself.
  for (const detect::Kind kind : engine.kinds) plan.kinds.emplace_back(detect::name_of(kind));
  if (!plan.needs_resources) followed.clear();
  return true;
}

Exit run_check(Context& context, const Options& options) {
  CheckPlan plan;
  plan.command = context.rest;
  if (plan.command.empty()) {
    complain("check wants -- and a command to run: plumb check -- make test");
    return Exit::kUsage;
  }
  const auto grace = read_duration("--grace", options.grace);
  if (!grace) return Exit::kUsage;
  if (!read_check_kinds(options.kinds, plan.kinds) || !read_allowed(options, plan.allow) ||
      !choose_resources(options, plan)) {
    return Exit::kUsage;
  }
  plan.grace = *grace;
  plan.leak_status = options.leak_status;
  plan.json = options.json;
  plan.github = options.github;
  plan.quiet = options.quiet;
  plan.tell_excused = options.all;
  plan.junit = options.junit;
  plan.output = options.output;
  return run_check(context, plan);
}

}  // namespace

Command add_check(CLI::App& plumb) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = plumb.add_subcommand(
      "check", "Run a command: what did its processes leave open, running or on disk?");
  command->add_option("--allow", options->allow, "This is no leak (docs/check.md); may be repeated")
      ->type_name("PATTERN")
      ->allow_extra_args(false);
  command
      ->add_option("--allow-file", options->allow_file,
                   "Patterns, a line each (else .plumb-allow of this directory or above)")
      ->type_name("FILE");
  command->add_option("--kind", options->kinds, "Only these kinds, with commas between them")
      ->type_name("KIND,...");
  add_kind_arguments(*command, options->others);
  command->add_option("--grace", options->grace, "How long children may outlive the command (1s)")
      ->type_name("DURATION");
  command
      ->add_option("--leak-status", options->leak_status, "Exit status where something leaked (1)")
      ->check(CLI::Range(1, 255))
      ->type_name("N");
  command->add_flag("--all", options->all, "Tell also what is no leak, with the rule");
  command->add_flag("--quiet", options->quiet, "Say nothing when nothing leaked");
  command->add_option("--junit", options->junit, "Write JUnit XML")->type_name("FILE");
  command->add_flag("--github", options->github, "Print annotations for GitHub Actions");
  command->add_flag("--json", options->json, "One JSON object a line (docs/json.md), on stdout");
  command->add_option("--output", options->output, "Write the report there, not to stderr")
      ->type_name("FILE");
  command->footer(
      one_of("KIND", check_kinds()) +
      "\nExamples:\n"
      "  plumb check -- ./unit_tests              1 if they leaked, else their own status\n"
      "  plumb check --junit leaks.xml -- ctest   for a CI system\n"
      "  plumb check --heap --pair sqlite -- ./unit_tests   memory and handles too; needs root\n"
      "  plumb check --allow function:log_open -- ./server --self-test\n");
  return {command, [options](Context& context) { return run_check(context, *options); }, true};
}

}  // namespace plumb::app
