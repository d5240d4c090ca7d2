// SPDX-License-Identifier: Apache-2.0
// plumb check: a leak gate around any command.
#include <filesystem>
#include <memory>

#include "app/cli/check_run.h"
#include "app/cli/commands.h"
#include "app/cli/names.h"
#include "app/cli/usage.h"
#include "plumb/base/human.h"
#include "plumb/base/text.h"

namespace plumb::app {
namespace {

constexpr std::size_t kMostAllowFile = 1 << 20;
constexpr const char* kAllowFile = ".plumb-allow";

struct Options {
  std::vector<std::string> allow;
  std::string allow_file;
  std::string kinds;
  std::string grace = "1s";
  int leak_status = 1;
  bool json = false;
  bool github = false;
  bool quiet = false;
  bool all = false;
  std::string junit;
  std::string output;
};

// What a check tells of beside the kinds of descriptors.
std::vector<std::string_view> check_kinds() {
  std::vector<std::string_view> names = {"listener", "process", "zombie", "temporary", "thread"};
  for (const detect::Kind kind : detect::all_kinds()) names.push_back(detect::name_of(kind));
  return names;
}

bool read_check_kinds(std::string_view list, std::vector<std::string>& kinds) {
  const auto own = check_kinds();
  while (!list.empty()) {
    const std::string_view name = trim(take_until(list, ','));
    if (std::find(own.begin(), own.end(), name) == own.end()) {
      std::vector<detect::Kind> unused;
      // Says what is nearest; or it is a kind that only a trace follows.
      if (read_kinds(name, unused)) {
        complain("plumb check does not follow the kind " + std::string(name) +
                 "; plumb trace does");
      }
      return false;
    }
    kinds.emplace_back(name);
  }
  return true;
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

Exit run_check(Context& context, const Options& options) {
  CheckPlan plan;
  plan.command = context.rest;
  if (plan.command.empty()) {
    complain("check wants -- and a command to run: plumb check -- make test");
    return Exit::kUsage;
  }
  const auto grace = parse_duration(options.grace);
  if (!grace) {
    complain("--grace " + detect::clean(options.grace) + ": no duration; write 500ms or 2s");
    return Exit::kUsage;
  }
  if (!read_check_kinds(options.kinds, plan.kinds) || !read_allowed(options, plan.allow)) {
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
      "  plumb check --allow function:log_open -- ./server --self-test\n");
  return {command, [options](Context& context) { return run_check(context, *options); }, true};
}

}  // namespace plumb::app
