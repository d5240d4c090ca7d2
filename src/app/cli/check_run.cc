// SPDX-License-Identifier: Apache-2.0
// The loop of a check, and its reports.
#include "app/cli/check_run.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "app/cli/check_resources.h"
#include "app/cli/check_watch.h"
#include "app/cli/signals.h"
#include "detect/record/resource_kind.h"
#include "detect/report/check_document.h"
#include "plumb/base/clock.h"

namespace plumb::app {
namespace {

using namespace detect;
using namespace std::chrono_literals;

constexpr auto kEnding = 2s;  // between SIGTERM and SIGKILL for those that were left
constexpr int kSignalStatus = 128;
constexpr const char* kReduced =
    "without root, by ptrace alone: set-user-id programs run without their owner's rights, and "
    "mappings, the heap and pairs are not followed; sudo plumb check --heap -- COMMAND follows "
    "them";

std::string temporary_directory() {
  const char* named = std::getenv("TMPDIR");
  std::error_code error;
  auto path =
      std::filesystem::canonical(named != nullptr && *named != '\0' ? named : "/tmp", error);
  return error ? std::string("/tmp") : path.string();
}

std::string source_root() {
  const char* workspace = std::getenv("GITHUB_WORKSPACE");
  std::error_code error;
  auto path = std::filesystem::canonical(
      workspace != nullptr && *workspace != '\0' ? workspace : ".", error);
  return error ? std::string() : path.string();
}

std::string joined(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) all.append(all.empty() ? "" : " ").append(word);
  return all;
}

int shell_status(int status) {
  return WIFSIGNALED(status) ? kSignalStatus + WTERMSIG(status) : WEXITSTATUS(status);
}

class Run {
 public:
  Run(Context& context, const CheckPlan& plan, ProcessFollower follower,
      std::unique_ptr<CheckResources> resources)
      : context_(context),
        plan_(plan),
        resources_(std::move(resources)),
        follower_(std::move(follower)),
        watch_(temporary_directory(), std::ranges::count(plan.kinds, "thread") > 0,
               resources_.get()) {}

  Exit run();

 private:
  // Attends until `done`, or the time comes. False at the latter.
  template <typename Done>
  bool attend_until(std::optional<BootTime> end, const Done& done);
  void end_those_left();
  bool asked(const Leftover& left) const;
  std::string reduced() const;
  Exit report();
  bool write_report(const CheckDocument& document, int fd) const;

  Context& context_;
  const CheckPlan& plan_;
  Signals signals_;
  std::unique_ptr<CheckResources> resources_;
  ProcessFollower follower_;
  CheckWatch watch_;
  BootTime began_ = BootClock::now();
  bool stop_ = false;
};

template <typename Done>
bool Run::attend_until(std::optional<BootTime> end, const Done& done) {
  for (;;) {
    follower_.attend(watch_);
    if (resources_) resources_->listen();
    if (done()) return true;
    const auto left = end ? *end - BootClock::now() : std::chrono::nanoseconds(1s);
    if (left <= 0ns) return false;
    std::array<pollfd, 2> ready{{{signals_.descriptor(), POLLIN, 0},
                                 {resources_ ? resources_->wait_descriptor() : -1, POLLIN, 0}}};
    ::poll(ready.data(), ready.size(),
           static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
    if (signals_.take()) {
      if (!std::exchange(stop_, true)) ::kill(number(follower_.pid()), SIGTERM);
      if (follower_.status()) return false;
    }
  }
}

// A build machine is left as it was found; and without plumb their chosen calls would fail.
void Run::end_those_left() {
  const auto all_gone = [&] { return follower_.alive().empty(); };
  for (const Pid pid : follower_.alive()) ::kill(number(pid), SIGTERM);
  if (attend_until(BootClock::now() + kEnding, all_gone)) return;
  for (const Pid pid : follower_.alive()) ::kill(number(pid), SIGKILL);
  attend_until(BootClock::now() + kEnding, all_gone);
}

bool Run::write_report(const CheckDocument& document, int fd) const {
  Output out(fd);
  if (plan_.json) {
    write_check_json(document, out.sink());
  } else {
    write_check_text(document, context_.paper(fd), out.sink());
  }
  return out.finish().ok();
}

// Whether it is of a kind that was asked for, by its own name or by that of its family.
bool Run::asked(const Leftover& left) const {
  const auto named = [&](std::string_view name) {
    return std::ranges::count(plan_.kinds, name) > 0;
  };
  if (named(kind_of(left))) return true;
  switch (left.what) {
    case Leftover::What::kDescriptor:
      return left.listener && named("listener");
    case Leftover::What::kRunning:
    case Leftover::What::kUnwaited:
      return named("child");
    case Leftover::What::kResource:
      return named(name_of(family_of(left.kind)));
    case Leftover::What::kFile:
    case Leftover::What::kThread:
      return false;
  }
  return false;
}

// What is not seen here.
std::string Run::reduced() const {
  std::string text = ::geteuid() == 0 ? "" : kReduced;
  if (!resources_) return text;
  for (const std::string& blind : resources_->blinds()) text += (text.empty() ? "" : "; ") + blind;
  return text;
}

Exit Run::report() {
  std::vector<Leftover> left = watch_.left();
  if (!plan_.kinds.empty()) std::erase_if(left, [&](const Leftover& one) { return !asked(one); });
  const LeakVerdict verdict = judge_leftovers(left, plan_.allow, watch_.stacks());
  const CheckDocument document{.verdict = verdict,
                               .stacks = watch_.stacks(),
                               .allow = plan_.allow,
                               .command = joined(plan_.command),
                               .status = shell_status(follower_.status().value_or(0)),
                               .processes = watch_.processes(),
                               .took = BootClock::now() - began_,
                               .reduced = reduced(),
                               .losses = resources_ ? resources_->losses() : std::vector<Loss>(),
                               .root = source_root(),
                               .tell_excused = plan_.tell_excused};
  bool written =
      write_file(plan_.junit, [&](const Sink& sink) { write_check_junit(document, sink); });
  if (plan_.github) write_check_github(document, context_.out.sink());
  const bool silent = plan_.quiet && verdict.leaks.empty() && !plan_.json;
  if (!plan_.output.empty()) {
    auto file = UniqueFd::open(plan_.output, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (!file) complain(file.error().message());
    written = file && write_report(document, file->get()) && written;
  } else if (!silent) {
    written = write_report(document, plan_.json ? STDOUT_FILENO : STDERR_FILENO) && written;
  }
  if (!written) return Exit::kNotPossible;
  return static_cast<Exit>(verdict.leaks.empty() ? document.status : plan_.leak_status);
}

Exit Run::run() {
  if (const auto gone = follower_.go(); !gone) {
    complain(gone.error().message());
    attend_until(BootClock::now() + kEnding, [&] { return follower_.alive().empty(); });
    constexpr int kNotFound = 127;
    constexpr int kNotExecutable = 126;
    return static_cast<Exit>(gone.error().code == ENOENT ? kNotFound : kNotExecutable);
  }
  attend_until(std::nullopt, [&] { return follower_.status().has_value(); });
  attend_until(BootClock::now() + plan_.grace, [&] { return follower_.alive().empty(); });
  watch_.leave_running(follower_.alive());
  end_those_left();
  watch_.look_for_names();
  return report();
}

}  // namespace

Exit run_check(Context& context, const CheckPlan& plan) {
  const auto refuse = [](const Error& error) {
    complain(error.message());
    return Exit::kNotPossible;
  };
  std::unique_ptr<CheckResources> resources;
  if (!plan.resources.options.resources.empty()) {
    auto opened = CheckResources::open(plan.resources, plan.command.front());
    if (opened) {
      resources = *std::move(opened);
    } else if (plan.needs_resources) {
      complain(
          "mappings, the heap and pairs are followed by BPF, which needs root: sudo plumb check …");
      return refuse(opened.error());
    }
  }
  auto follower =
      ProcessFollower::start(plan.command, ChosenCalls::kFilesAndDescriptors,
                             resources ? resources->environment() : std::vector<std::string>());
  if (!follower) return refuse(follower.error());
  if (resources) {
    if (const auto begun = resources->begin(follower->pid()); !begun) return refuse(begun.error());
  }
  return Run(context, plan, *std::move(follower), std::move(resources)).run();
}

}  // namespace plumb::app
