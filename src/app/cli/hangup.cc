// SPDX-License-Identifier: Apache-2.0
// plumb hangup: first aid for those who wait for an end that nobody sends.
#include "detect/model/hangup.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "app/cli/borrowed.h"
#include "app/cli/commands.h"
#include "app/cli/confirm.h"
#include "app/cli/looking.h"
#include "detect/report/describe.h"
#include "plumb/base/human.h"

namespace plumb::app {
namespace {

using detect::DescriptorIndex;
using detect::Joined;

constexpr std::size_t kMostShown = 20;

struct Options {
  std::int32_t pid = 0;
  std::int32_t fd = -1;
  std::string peer;
  std::string older;
  bool yes = false;
};

// Why this row is no connection that can be hung up; empty where it is one.
std::string objection(const Joined& joined, DescriptorIndex row) {
  const detect::Descriptor& descriptor = joined.row(row);
  const detect::Socket* socket = joined.survey.socket_of(descriptor);
  if (socket == nullptr) {
    return fmt::format("is a {}: only a connection can be hung up",
                       detect::name_of(descriptor.kind));
  }
  if (socket->state == detect::SocketState::kListen) {
    return "is a listener: hanging it up would turn all newcomers away";
  }
  if (socket->state != detect::SocketState::kEstablished &&
      socket->state != detect::SocketState::kCloseWait) {
    return "is not connected";
  }
  return {};
}

std::optional<DescriptorIndex> find_row(const detect::Survey& survey, Pid pid, Fd fd) {
  for (std::size_t d = 0; d < survey.descriptors.size(); ++d) {
    const detect::Descriptor& one = survey.descriptors[d];
    if (one.fd == fd && one.table == Tid{} && survey.process_of(one).key.pid == pid) {
      return DescriptorIndex{static_cast<std::uint32_t>(d)};
    }
  }
  return std::nullopt;
}

// What is to be hung up; a status where that cannot be said.
struct Chosen {
  std::vector<DescriptorIndex> rows;
  std::optional<Exit> status;
};

Chosen choose_one(const Joined& joined, const Options& options) {
  const auto row = find_row(joined.survey, Pid{options.pid}, Fd{options.fd});
  if (!row) {
    complain(fmt::format("process {} has no descriptor {}", options.pid, options.fd));
    return {{}, Exit::kUsage};
  }
  if (const std::string why = objection(joined, *row); !why.empty()) {
    complain(fmt::format("descriptor {} of process {} {}", options.fd, options.pid, why));
    return {{}, Exit::kUsage};
  }
  return {{*row}, std::nullopt};
}

Chosen choose_quiet(const Joined& joined, const Options& options, const detect::Selector& peer,
                    std::chrono::nanoseconds older) {
  const detect::Survey& survey = joined.survey;
  const auto selection = detect::select(survey, {peer});
  if (complain_of_unmatched(survey, selection)) return {{}, Exit::kUsage};
  std::vector<bool> own(survey.processes.size(), true);
  if (options.pid != 0) {
    const auto process = detect::find_process(survey, Pid{options.pid});
    if (!process) {
      complain(fmt::format("there is no process {}", options.pid));
      return {{}, Exit::kUsage};
    }
    own = detect::with_children(survey, {*process});
  }
  return {detect::quiet_connections(joined, own, peer, older), std::nullopt};
}

void tell(Context& context, const Joined& joined, const std::vector<DescriptorIndex>& rows) {
  for (std::size_t r = 0; r < std::min(rows.size(), kMostShown); ++r) {
    std::string line = "  ";
    detect::append_process(line, joined.survey, joined.holder(rows[r]));
    line += fmt::format(" fd {}  ", number(joined.row(rows[r]).fd));
    detect::append_name(line, joined, rows[r]);
    line += ' ';
    detect::append_other_end(line, joined, rows[r]);
    if (const auto idle = detect::idle_of(joined.survey, joined.row(rows[r]))) {
      line += fmt::format(", quiet for {}", human_duration(*idle));
    }
    context.out.write(line + "\n");
  }
  if (rows.size() > kMostShown) {
    context.out.write(fmt::format("  … and {} more\n", rows.size() - kMostShown));
  }
  context.out.write(
      fmt::format("plumb will hang {} up in both directions: each side reads the end, and what is "
                  "still on its\n"
                  "way may be lost.\n",
                  rows.size() == 1 ? "it" : fmt::format("these {}", human_count(rows.size()))));
}

// Shuts the very socket down that was seen. ENOENT: the number is another's by now.
Result<void> hang_up(const Joined& joined, DescriptorIndex row) {
  const detect::Descriptor& seen = joined.row(row);
  const auto process = HeldProcess::hold(joined.holder(row).key);
  if (!process) return process.error();
  const auto borrowed = process->borrow(seen.fd);
  if (!borrowed) return borrowed.error();
  struct stat now {};
  const std::string name =
      fmt::format("descriptor {} of process {}", number(seen.fd), number(process->key().pid));
  if (::fstat(borrowed->get(), &now) != 0) return fail("look at", name, errno);
  const detect::Socket* socket = joined.survey.socket_of(seen);
  if (!S_ISSOCK(now.st_mode) || now.st_ino != socket->inode) {
    return fail("hang up", name, ENOENT, "it is another one by now");
  }
  if (::shutdown(borrowed->get(), SHUT_RDWR) == 0 || errno == ENOTCONN) return {};
  return fail("hang up", name, errno);
}

Exit hang_up_all(Context& context, const Joined& joined, const std::vector<DescriptorIndex>& rows) {
  std::size_t done = 0;
  std::size_t gone = 0;
  for (const DescriptorIndex row : rows) {
    const auto result = hang_up(joined, row);
    if (result) {
      ++done;
    } else if (result.error().code == EPERM || result.error().code == ENOSYS) {
      complain(result.error().message());
      return Exit::kNotPossible;
    } else {
      ++gone;
    }
  }
  context.out.write(fmt::format("Hung up: {}.", human_count(done)));
  if (gone > 0) {
    context.out.write(fmt::format(" Left alone, for they had ended or been replaced meanwhile: {}.",
                                  human_count(gone)));
  }
  context.out.write("\n");
  return done > 0 ? Exit::kOk : Exit::kNotPossible;
}

Exit run(Context& context, const Options& options) {
  const bool by_peer = !options.peer.empty();
  if (by_peer == (options.fd >= 0) || by_peer == options.older.empty()) {
    complain("either PID and FD, or --peer SELECTOR with --older DURATION");
    return Exit::kUsage;
  }
  std::optional<detect::Selector> peer;
  std::optional<std::chrono::nanoseconds> older;
  if (by_peer) {
    const auto selectors = read_selectors({options.peer});
    if (!selectors) return Exit::kUsage;
    peer = selectors->front();
    older = parse_duration(options.older);
    if (!older) {
      complain("--older " + detect::clean(options.older) + ": no duration; write 30s or 2m");
      return Exit::kUsage;
    }
  }
  const auto survey = look({.details = false, .threads = false});
  if (!survey) return Exit::kNotPossible;
  const Joined joined(*survey);
  const Chosen chosen =
      by_peer ? choose_quiet(joined, options, *peer, *older) : choose_one(joined, options);
  if (chosen.status) return *chosen.status;
  if (chosen.rows.empty()) {
    context.out.write("No connection there has been quiet for so long: nothing to do.\n");
    return Exit::kOk;
  }
  tell(context, joined, chosen.rows);
  if (const auto status = refused(context, options.yes ? Consent::kGiven : Consent::kAsk)) {
    return *status;
  }
  return hang_up_all(context, joined, chosen.rows);
}

}  // namespace

Command add_hangup(CLI::App& plumb) {
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      plumb.add_subcommand("hangup", "First aid: end connections on which somebody waits in vain");
  command->add_option("PID", options->pid, "The process; with --peer also those below it")
      ->type_name("");
  command->add_option("FD", options->fd, "Its connection")->type_name("");
  command
      ->add_option("--peer", options->peer,
                   "Its connections to this process, or to this :PORT; without PID everybody's")
      ->type_name("SELECTOR");
  command->add_option("--older", options->older, "Of them those that are quiet for so long")
      ->type_name("DURATION");
  command->add_flag("-y,--yes", options->yes, "Do it without a question");
  command->footer(
      "\nSays what it will do and asks. Both sides of a connection that is hung up read its end.\n"
      "\nExamples:\n"
      "  plumb hangup 812 5                          descriptor 5 of process 812\n"
      "  plumb hangup 812 --peer :8118 --older 30s   what 812 and its children wait for at 8118\n");
  return {command, [options](Context& context) { return run(context, *options); }};
}

}  // namespace plumb::app
