// SPDX-License-Identifier: Apache-2.0
// The plumb command: a table of contents of its commands.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/cli/commands.h"
#include "app/cli/usage.h"

namespace plumb::app {
namespace {

// In the order of the help.
constexpr std::array kCommands = {add_ls,     add_tree,       add_trace,   add_check,  add_waits,
                                  add_http,   add_goroutines, add_explain, add_demo,   add_record,
                                  add_report, add_diff,       add_relieve, add_hangup, add_mark};

// Where the command line belongs to a command that runs another, moves what stands after -- to the
// context; returns how many words are left.
int take_rest(const std::vector<Command>& commands, int argc, char** argv, Context& context) {
  const std::span<char*> words(argv, static_cast<std::size_t>(argc));
  const auto dashes = std::ranges::find(words, std::string_view("--"));
  const bool runs = std::ranges::any_of(commands, [&](const Command& command) {
    return command.runs_another &&
           std::find(words.begin(), dashes, command.parser->get_name()) != dashes;
  });
  if (!runs || dashes == words.end()) return argc;
  context.rest.assign(dashes + 1, words.end());
  return static_cast<int>(dashes - words.begin());
}

Exit run(int argc, char** argv) {
  Output out(STDOUT_FILENO);
  Context context{out};

  // The command line: plumb's own options, then one command with its own.
  CLI::App parser("plumb shows who holds what on this machine, since when, and who waits for whom.",
                  "plumb");
  describe(parser, context);
  const Command summary = add_summary(parser);
  std::vector<Command> commands;
  for (const auto add : kCommands) commands.push_back(add(parser));
  const int own = take_rest(commands, argc, argv, context);
  if (const auto early = parse(parser, own, argv, out)) return *early;

  // The command, or the summary without one.
  const auto given = std::ranges::find_if(
      commands, [](const Command& command) { return command.parser->parsed(); });
  const Exit status = (given == commands.end() ? summary : *given).run(context);

  // All is printed, or said why it is not.
  const auto finished = out.finish();
  if (finished) return status;
  complain(finished.error().message());
  return Exit::kNotPossible;
}

}  // namespace
}  // namespace plumb::app

int main(int argc, char** argv) {
  // A reader that goes (`| head`) is a short document, not a death.
  std::signal(SIGPIPE, SIG_IGN);
  return static_cast<int>(plumb::app::run(argc, argv));
}
