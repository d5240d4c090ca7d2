// SPDX-License-Identifier: Apache-2.0
// Parsing with CLI11, and what to say when it fails.
#include "app/cli/usage.h"

#include "app/cli/suggestion.h"
#include "detect/model/nearest.h"

namespace plumb::app {
namespace {

// The first word that is no option is the command, or was meant as one.
std::string first_word(int argc, char** argv) {
  for (int at = 1; at < argc; ++at) {
    if (argv[at][0] != '-') return argv[at];
  }
  return {};
}

// The last given subcommand: its options are the ones that can be meant.
const CLI::App* innermost(const CLI::App& parser) {
  const auto given = parser.get_subcommands();
  return given.empty() ? &parser : given.front();
}

std::string near_options(const CLI::App& parser, const std::string& option) {
  detect::Nearest nearest(option, 2);
  for (const CLI::App* app : {innermost(parser), &parser}) {
    for (const CLI::Option* known : app->get_options()) {
      for (const std::string& name : known->get_lnames()) nearest.offer("--" + name);
    }
  }
  return did_you_mean(nearest.take());
}

// CLI11 joins what is left over into one sentence; we name the first of it.
void complain_of_extras(const CLI::App& parser, int argc, char** argv) {
  const auto extras = parser.remaining(true);
  const std::string extra = extras.empty() ? first_word(argc, argv) : extras.front();
  const std::string shown = detect::clean(extra);
  if (extra.starts_with('-')) {
    const std::string option = extra.substr(0, extra.find('='));
    complain("there is no option " + detect::clean(option) + near_options(parser, option));
    return;
  }
  detect::Nearest nearest(extra, 2);
  for (const CLI::App* command : parser.get_subcommands([](const CLI::App*) { return true; })) {
    nearest.offer("plumb " + command->get_name(), command->get_name());
  }
  const std::string text = did_you_mean(nearest.take());
  complain("there is no command " + shown + (text.empty() ? "; plumb --help lists them" : text));
}

}  // namespace

std::string_view version() {
  return PLUMB_VERSION;
}

void describe(CLI::App& parser, Context& context) {
  parser.require_subcommand(0, 1);
  parser.fallthrough();  // --color may stand behind the command too
  parser.get_formatter()->column_width(26);
  parser.set_help_flag("-h,--help", "Print this help");
  parser.set_version_flag("--version", "plumb " PLUMB_VERSION, "Print the version");
  parser
      .add_option("--color", context.colour,
                  "Colours: on a terminal (NO_COLOR respected), always, never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->type_name("WHEN");
  parser.footer(
      "\nWithout a command: a summary of the machine.\n"
      "Exit status: 0 nothing wrong, 1 findings, 2 usage, 3 not permitted or not supported here.\n"
      "plumb COMMAND --help tells more; so do the manual pages plumb(1), plumb-ls(1), …");
}

std::string one_of(std::string_view type, std::span<const std::string_view> names) {
  constexpr std::size_t kWidth = 90;
  std::string text = "\n" + std::string(type) + " is one of\n ";
  std::size_t used = 1;
  for (const std::string_view name : names) {
    if (used + 2 + name.size() > kWidth) {
      text += "\n ";
      used = 1;
    }
    text.append(" ").append(name).append(",");
    used += 2 + name.size();
  }
  text.back() = '\n';
  return text;
}

std::optional<Exit> parse(CLI::App& parser, int argc, char** argv, Output& out) {
  try {
    parser.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::CallForHelp&) {
    out.write(parser.help());
  } catch (const CLI::CallForVersion&) {
    out.write(parser.version() + "\n");
  } catch (const CLI::ExtrasError&) {
    complain_of_extras(parser, argc, argv);
    return Exit::kUsage;
  } catch (const CLI::ParseError& error) {
    complain(detect::clean(error.what()) + " (plumb --help)");
    return Exit::kUsage;
  }
  const auto finished = out.finish();
  if (finished) return Exit::kOk;
  complain(finished.error().message());
  return Exit::kNotPossible;
}

}  // namespace plumb::app
