// SPDX-License-Identifier: Apache-2.0
// plumb mark: a script's word that something begins or ends.
#include <fmt/format.h>

#include <memory>

#include "app/cli/commands.h"
#include "detect/source/mark_socket.h"

namespace plumb::app {
namespace {

struct Options {
  std::string name;
  std::string what;
  bool verbose = false;
};

Exit run(Context& context, const Options& options) {
  if (options.name.empty() || options.name.size() > detect::kLongestName) {
    complain(fmt::format("a mark's name has 1 to {} bytes", detect::kLongestName));
    return Exit::kUsage;
  }
  detect::Mark mark;
  mark.time = BootClock::now();
  mark.what = options.what == "start" ? detect::Mark::What::kStart : detect::Mark::What::kStop;
  mark.name = options.name;
  const auto took = detect::send_mark(mark);
  if (!took) {
    complain(took.error().message());
    return Exit::kNotPossible;
  }
  if (options.verbose) context.out.write(fmt::format("{} plumb listened\n", *took));
  return Exit::kOk;
}

}  // namespace

Command add_mark(CLI::App& plumb) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = plumb.add_subcommand(
      "mark", "Tell the plumb that explains now that a job of yours begins or ends");
  command->add_option("NAME", options->name, "What the job is called")->type_name("")->required();
  command->add_option("WHAT", options->what, "start or stop")
      ->check(CLI::IsMember({"start", "stop"}))
      ->type_name("")
      ->required();
  command->add_flag("-v,--verbose", options->verbose, "Say how many listened");
  command->footer(
      "\nWhat grows each time after a mark is tied to it by plumb explain. Needs no right, and "
      "does\n"
      "nothing where no plumb listens.\n"
      "\nExamples:\n"
      "  plumb mark backup start; make-backup; plumb mark backup stop\n");
  return {command, [options](Context& context) { return run(context, *options); }};
}

}  // namespace plumb::app
