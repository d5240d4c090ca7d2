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
#include <thread>
#include <utility>

#include "app/cli/borrowed.h"
#include "app/cli/commands.h"
#include "app/cli/confirm.h"
#include "app/cli/looking.h"
#include "app/cli/option_values.h"
#include "app/cli/survey_view.h"
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

std::unique_ptr<SurveyView> view() {
  auto survey = look({.details = false, .threads = false});
  return survey ? std::make_unique<SurveyView>(*std::move(survey)) : nullptr;
}

// A connection, and the kernel's name for its socket, which is never another's (SO_COOKIE).
struct Target {
  DescriptorIndex row{};
  std::uint64_t cookie = 0;
};

// What is to be hung up, rows of `view`; a status where that cannot be said.
struct Chosen {
  std::unique_ptr<SurveyView> view;
  std::vector<DescriptorIndex> rows;
  std::optional<Exit> status;
};

Chosen none(Exit status) {
  return {nullptr, {}, status};
}

Chosen choose_one(std::unique_ptr<SurveyView> view, const Options& options) {
  const auto row = find_row(view->survey, Pid{options.pid}, Fd{options.fd});
  if (!row) {
    const auto process = detect::find_process(view->survey, Pid{options.pid});
    const bool hidden = process && view->survey.processes[number(*process)].error != 0;
    if (hidden) {
      complain(
          fmt::format("descriptors of process {} cannot be read: run plumb as root", options.pid));
      return none(Exit::kNotPossible);
    }
    complain(fmt::format("process {} has no descriptor {}", options.pid, options.fd));
    return none(Exit::kUsage);
  }
  if (const std::string why = objection(view->joined, *row); !why.empty()) {
    complain(fmt::format("descriptor {} of process {} {}", options.fd, options.pid, why));
    return none(Exit::kUsage);
  }
  return {std::move(view), {*row}, std::nullopt};
}

// The chosen process and what is below it; everybody without one.
std::optional<std::vector<bool>> own_of(const detect::Survey& survey, const Options& options) {
  if (options.pid == 0) return std::vector<bool>(survey.processes.size(), true);
  const auto process = detect::find_process(survey, Pid{options.pid});
  if (process) return detect::with_children(survey, {*process});
  complain(fmt::format("there is no process {}", options.pid));
  return std::nullopt;
}

// Unix sockets keep no times: they are looked at again.
Chosen choose_quiet(std::unique_ptr<SurveyView> first, const Options& options,
                    const detect::Selector& peer, std::chrono::nanoseconds older) {
  const auto selection = detect::select(first->survey, {peer});
  if (complain_of_unmatched(first->survey, selection)) return none(Exit::kUsage);
  const auto own = own_of(first->survey, options);
  if (!own) return none(Exit::kUsage);
  const auto unix_rows = detect::unix_connections(first->joined, *own, peer);
  auto rows = detect::quiet_connections(first->joined, *own, peer, older);
  if (unix_rows.empty()) return {std::move(first), std::move(rows), std::nullopt};
  std::fputs(fmt::format("watching {} unix {} for {}, because they keep no times …\n",
                         human_count(unix_rows.size()),
                         unix_rows.size() == 1 ? "socket" : "sockets", human_duration(older))
                 .c_str(),
             stderr);
  std::this_thread::sleep_for(older);
  auto second = view();
  if (!second) return none(Exit::kNotPossible);
  const auto still_own = own_of(second->survey, options);
  if (!still_own) return none(Exit::kUsage);
  rows = detect::quiet_connections(second->joined, *still_own, peer, older);
  const auto quiet = detect::unmoved(first->joined, second->joined,
                                     detect::unix_connections(second->joined, *still_own, peer));
  rows.insert(rows.end(), quiet.begin(), quiet.end());
  return {std::move(second), std::move(rows), std::nullopt};
}

void tell(Context& context, const Joined& joined, const std::vector<Target>& targets) {
  for (std::size_t t = 0; t < std::min(targets.size(), kMostShown); ++t) {
    const DescriptorIndex row = targets[t].row;
    std::string line = "  ";
    detect::append_process(line, joined.survey, joined.holder(row));
    line += fmt::format(" fd {}  ", number(joined.row(row).fd));
    detect::append_name(line, joined, row);
    line += ' ';
    detect::append_other_end(line, joined, row);
    if (const auto idle = detect::idle_of(joined.survey, joined.row(row))) {
      line += fmt::format(", quiet for {}", human_duration(*idle));
    }
    context.out.write(line + "\n");
  }
  if (targets.size() > kMostShown) {
    context.out.write(fmt::format("  … and {} more\n", targets.size() - kMostShown));
  }
  context.out.write(fmt::format(
      "plumb will hang {} up in both directions: each side reads the end, and what is "
      "still on its\n"
      "way may be lost.\n",
      targets.size() == 1 ? "it" : fmt::format("these {}", human_count(targets.size()))));
}

// The socket of a row, borrowed, with its cookie. Errors: ENOENT where the number, or the
// process's, is another's by now.
Result<std::pair<UniqueFd, std::uint64_t>> borrow(const Joined& joined, DescriptorIndex row) {
  const detect::Descriptor& seen = joined.row(row);
  const auto process = HeldProcess::hold(joined.holder(row).key);
  if (!process) return process.error();
  auto borrowed = process->borrow(seen.fd);
  if (!borrowed) return std::move(borrowed).error();
  struct stat now {};
  std::uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  const std::string name =
      fmt::format("descriptor {} of process {}", number(seen.fd), number(process->key().pid));
  if (::fstat(borrowed->get(), &now) != 0) return fail("look at", name, errno);
  const bool same = S_ISSOCK(now.st_mode) && now.st_ino == joined.survey.socket_of(seen)->inode;
  if (!same || ::getsockopt(borrowed->get(), SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0) {
    return fail("hang up", name, ENOENT, "it is another one by now");
  }
  return std::pair(*std::move(borrowed), cookie);
}

// Shuts the very socket down that was told of. ENOENT: the number is another's by now.
Result<void> hang_up(const Joined& joined, const Target& target) {
  const auto borrowed = borrow(joined, target.row);
  if (!borrowed) return borrowed.error();
  if (borrowed->second != target.cookie) {
    return fail("hang up", "socket", ENOENT, "it is another one by now");
  }
  if (::shutdown(borrowed->first.get(), SHUT_RDWR) == 0 || errno == ENOTCONN) return {};
  return fail("hang up", "socket", errno);
}

bool is_refusal(const Error& error) {
  return error.code == EPERM || error.code == ENOSYS;
}

// Those that are there; a status where nothing may be borrowed. Nothing stays borrowed while
// somebody thinks about the answer: the process may close its connection meanwhile.
std::optional<Exit> identify(const Joined& joined, const std::vector<DescriptorIndex>& rows,
                             std::vector<Target>& targets) {
  for (const DescriptorIndex row : rows) {
    const auto borrowed = borrow(joined, row);
    if (borrowed) {
      targets.push_back({row, borrowed->second});
    } else if (is_refusal(borrowed.error())) {
      complain(borrowed.error().message());
      return Exit::kNotPossible;
    }
  }
  return std::nullopt;
}

Exit hang_up_all(Context& context, const Joined& joined, const std::vector<Target>& targets) {
  std::size_t done = 0;
  std::size_t gone = 0;
  for (const Target& target : targets) {
    const auto result = hang_up(joined, target);
    if (!result && is_refusal(result.error())) {
      complain(result.error().message());
      return Exit::kNotPossible;
    }
    ++(result ? done : gone);
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
    older = read_duration("--older", options.older);
    if (!older) return Exit::kUsage;
  }
  auto first = view();
  if (!first) return Exit::kNotPossible;
  const Chosen chosen = by_peer ? choose_quiet(std::move(first), options, *peer, *older)
                                : choose_one(std::move(first), options);
  if (chosen.status) return *chosen.status;
  const Joined& joined = chosen.view->joined;
  std::vector<Target> targets;
  if (const auto status = identify(joined, chosen.rows, targets)) return *status;
  if (targets.empty()) {
    context.out.write("No connection there has been quiet for so long: nothing to do.\n");
    return Exit::kOk;
  }
  tell(context, joined, targets);
  if (const auto status = refused(context, options.yes ? Consent::kGiven : Consent::kAsk)) {
    return *status;
  }
  return hang_up_all(context, joined, targets);
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
