// SPDX-License-Identifier: Apache-2.0
// plumb relieve: first aid for a process at its limit of descriptors.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <memory>

#include "app/cli/borrowed.h"
#include "app/cli/commands.h"
#include "app/cli/confirm.h"
#include "app/cli/looking.h"
#include "detect/report/describe.h"
#include "plumb/base/human.h"
#include "plumb/base/text.h"

namespace plumb::app {
namespace {

struct Options {
  std::int32_t pid = 0;
  std::uint64_t descriptors = 0;
  bool yes = false;
};

std::string limit_text(rlim_t limit) {
  return limit == RLIM_INFINITY ? "no limit" : human_count(limit);
}

std::string advice_for(int code, std::uint64_t wanted) {
  if (code != EPERM) return {};
  const auto most = read_file("/proc/sys/fs/nr_open", 32);
  const auto highest = most ? parse_number<std::uint64_t>(trim(*most)) : std::nullopt;
  if (highest && wanted > *highest) {
    return fmt::format("no process may have more than {} here: sysctl fs.nr_open",
                       human_count(*highest));
  }
  return "above the hard limit only root with CAP_SYS_RESOURCE may go";
}

Exit run(Context& context, const Options& options) {
  const auto survey = look({.names = false, .sockets = false, .details = false, .threads = false});
  if (!survey) return Exit::kNotPossible;
  const auto found = detect::find_process(*survey, Pid{options.pid});
  if (!found) {
    complain(fmt::format("there is no process {}", options.pid));
    return Exit::kUsage;
  }
  const detect::Process& process = survey->processes[number(*found)];
  std::string who;
  detect::append_process(who, *survey, process);
  const auto held = HeldProcess::hold(process.key);
  if (!held) {
    complain(held.error().message());
    return Exit::kNotPossible;
  }
  rlimit before{};
  if (::prlimit(options.pid, RLIMIT_NOFILE, nullptr, &before) != 0) {
    complain(fail("read the limits of", who, errno, advice_for(errno, 0)).message());
    return Exit::kNotPossible;
  }
  if (options.descriptors <= before.rlim_cur) {
    complain(fmt::format("{} may have {} descriptors already: --nofile must be more", who,
                         limit_text(before.rlim_cur)));
    return Exit::kUsage;
  }
  const rlimit after{options.descriptors, std::max<rlim_t>(options.descriptors, before.rlim_max)};
  context.out.write(fmt::format(
      "{} may have {} descriptors{}.\n"
      "plumb will let it have {}{}, until it ends. What fills its table goes on:\n"
      "plumb explain {} says what that is.\n",
      who, limit_text(before.rlim_cur),
      process.descriptors ? fmt::format(" and holds {}", human_count(*process.descriptors)) : "",
      human_count(options.descriptors),
      after.rlim_max > before.rlim_max
          ? fmt::format(", and raise its hard limit from {}", limit_text(before.rlim_max))
          : "",
      options.pid));
  if (const auto status = refused(context, options.yes ? Consent::kGiven : Consent::kAsk)) {
    return *status;
  }
  if (!held->lives()) {
    complain(who + " has ended meanwhile");
    return Exit::kNotPossible;
  }
  if (::prlimit(options.pid, RLIMIT_NOFILE, &after, nullptr) != 0) {
    complain(fail("relieve", who, errno, advice_for(errno, options.descriptors)).message());
    return Exit::kNotPossible;
  }
  context.out.write(fmt::format("Done: {} of {} before.\n", human_count(options.descriptors),
                                limit_text(before.rlim_cur)));
  return Exit::kOk;
}

}  // namespace

Command add_relieve(CLI::App& plumb) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = plumb.add_subcommand(
      "relieve", "First aid: let a process at its limit have more descriptors");
  command->add_option("PID", options->pid, "The process")->type_name("")->required();
  command->add_option("--nofile", options->descriptors, "How many it may have")
      ->type_name("N")
      ->required();
  command->add_flag("-y,--yes", options->yes, "Do it without a question");
  command->footer(
      "\nSays what it will do and asks. The process goes on as if its limit had been higher; a "
      "leak\n"
      "goes on too, and fills the new table.\n"
      "\nExamples:\n"
      "  plumb relieve 812 --nofile 4096\n");
  return {command, [options](Context& context) { return run(context, *options); }};
}

}  // namespace plumb::app
