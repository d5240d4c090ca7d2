// SPDX-License-Identifier: Apache-2.0
// The loop of an explanation: a survey a second, a trace of the suspicious, and the verdict as soon
// as it is firm.
#include "app/cli/explain_run.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "app/cli/explain_watch.h"
#include "app/cli/looking.h"
#include "app/cli/reproduce.h"
#include "app/cli/signals.h"
#include "app/cli/suspicion.h"
#include "app/cli/trace_recorder.h"
#include "app/cli/trace_session.h"
#include "detect/finding/kinds.h"
#include "detect/report/finding_document.h"
#include "plumb/base/human.h"

namespace plumb::app {
namespace {

using namespace detect;
using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds kLook = 1s;
constexpr int kLookShare = 12;                     // surveys take at most a twelfth of the time
constexpr std::chrono::nanoseconds kPass = 250ms;  // between passes over the trace's ledger
constexpr std::chrono::nanoseconds kRarest = 1500ms;
constexpr auto kShortest = 10s;
constexpr auto kLongest = 60s;
constexpr auto kCalm = 30s;              // where nothing moves
constexpr std::size_t kFewestLooks = 9;  // fewer have no trend
constexpr std::size_t kCalmLooks = 15;
constexpr auto kVerdictPause = 2500ms;
constexpr auto kStacksComeLate = 25s;     // a leak whose site is unknown is waited for so long
constexpr auto kExchangesComeLate = 30s;  // two that wait for each other may be heard to say why
constexpr int kPriority = -10;            // a look that comes late on a busy machine tells little
constexpr double kFirm = 0.84;
constexpr double kHeard = 0.9;  // of a wait whose exchange was read, it is surer than that
constexpr auto kRerun = 8s;
constexpr std::size_t kMostVictims = 64;
constexpr std::size_t kMostSuspects = 24;

class Run {
 public:
  Run(Context& context, const ExplainPlan& plan) : context_(context), plan_(plan) {}

  Exit run();

 private:
  std::optional<Exit> begin();
  void suspect();
  void follow(Pid process);
  void attend();
  void reproduce();
  void run_again(const Recipe& recipe, const Finding& stuck);
  void wait_until(BootTime time);
  bool over();
  bool certain(const Finding& finding) const;
  bool calm() const;
  bool firm();
  bool exchange_may_come(const Explanation& explanation) const;
  Explanation conclude() { return watch_->conclude(session_.get()); }
  const Observation& observation() const { return watch_->observation(); }
  Exit report(const Explanation& explanation);
  void keep();
  void progress(std::string_view what);

  Context& context_;
  const ExplainPlan& plan_;
  Signals signals_;
  std::unique_ptr<ExplainWatch> watch_;
  std::unique_ptr<TraceSession> session_;
  std::string untraced_;  // why there is no trace
  std::set<Pid> followed_;
  std::unique_ptr<TraceRecorder> recorder_;
  std::vector<LiveHolding> rows_;  // as of the last pass
  BootTime next_verdict_{};
  std::vector<std::pair<std::string_view, ProcessKey>> verdict_;  // the last one, if it was certain
  bool stop_ = false;
  bool shown_ = false;
};

void Run::progress(std::string_view what) {
  if (::isatty(STDERR_FILENO) != 1) return;
  if (what.empty()) {
    if (shown_) std::fputs("\r\x1b[K", stderr);
    return;
  }
  shown_ = true;
  std::fprintf(stderr, "\r\x1b[K%s", std::string(what).c_str());
}

std::optional<Exit> Run::begin() {
  (void)::setpriority(PRIO_PROCESS, 0, kPriority);  // who may not is as late as the others
  if (!plan_.recording.empty()) {
    auto recorder = TraceRecorder::open(plan_.recording, plan_.most_bytes);
    if (!recorder) {
      complain(recorder.error().message());
      return Exit::kNotPossible;
    }
    recorder_ = *std::move(recorder);
  }
  auto watch = ExplainWatch::open(plan_.victims, Secrets::kMask);
  if (!watch) {
    complain(watch.error().message());
    return Exit::kNotPossible;
  }
  watch_ = *std::move(watch);
  if (complain_of_unmatched(watch_->first().survey, watch_->selection())) return Exit::kUsage;
  for (const Pid pid : watch_->victims()) follow(pid);
  return std::nullopt;
}

void Run::follow(Pid process) {
  if (!untraced_.empty() || !followed_.insert(process).second) return;
  if (!session_) {
    TraceSettings settings;
    settings.options.follow_children = false;
    settings.options.resources = {Kind::kMapping, Kind::kHeap, Kind::kThread, Kind::kChild};
    settings.heap = HeapWay::kSamplerOnly;
    auto session = TraceSession::open(settings);
    if (!session) {
      untraced_ = session.error().message();
      followed_.clear();
      return;
    }
    session_ = *std::move(session);
  }
  if (!session_->follow(process)) {
    followed_.erase(process);  // it has ended
    return;
  }
  watch_->follow(process);
}

void Run::suspect() {
  if (observation().times().size() < 4) return;
  const auto found =
      suspicious(watch_->first(), watch_->now(), observation(), Pid{::getpid()}, kMostSuspects);
  if (found.empty()) return;
  // To read a stranger's frame information takes longer than all looks at the victim.
  const std::set<Pid> circle = circle_of(watch_->now(), watch_->victims());
  for (const Pid pid : found) {
    if (followed_.size() >= kMostVictims + kMostSuspects) return;
    if (watch_->selection().everything || circle.contains(pid)) follow(pid);
  }
}

void Run::attend() {
  watch_->attend();
  if (!session_) return;
  if (const auto heard = session_->listen(0ms); !heard) complain(heard.error().message());
  if (const auto passed = session_->look(TraceSession::Look::kWhenDue); !passed) {
    complain(passed.error().message());
  }
}

void Run::wait_until(BootTime time) {
  while (!stop_) {
    const BootTime now = BootClock::now();
    if (now >= time) return;
    const auto left = std::min<std::chrono::nanoseconds>(time - now, kPass);
    std::array<pollfd, 1> ready{{{signals_.descriptor(), POLLIN, 0}}};
    ::poll(ready.data(), ready.size(),
           static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
    stop_ |= signals_.take();
    attend();
  }
}

// As sure as it gets. On a busy machine the stack of what leaks is named later than it is counted.
bool Run::certain(const Finding& finding) const {
  if (finding.severity == Severity::kInfo) return true;
  if (finding.confidence < kFirm) return false;
  const bool has_site = finding.id != id::kDescriptorLeak || !finding.stack.empty();
  return has_site || !session_ || observation().span() >= kStacksComeLate;
}

// Nothing has moved: what comes once in a quarter of a minute would have.
bool Run::calm() const {
  if (observation().span() < kCalm || observation().times().size() < kCalmLooks) return false;
  const auto moving = suspicious(watch_->first(), watch_->now(), observation(), Pid{::getpid()},
                                 watch_->now().survey.processes.size());
  if (watch_->selection().everything) return moving.empty();
  const std::set<Pid> circle = circle_of(watch_->now(), watch_->victims());
  return std::ranges::none_of(moving, [&](Pid pid) { return circle.contains(pid); });
}

// Connections are seen to wait before what is said on them is read: that begins with the next
// exchange, and an answer without an end is one only when nothing has followed for some seconds.
bool Run::exchange_may_come(const Explanation& explanation) const {
  return watch_->reading().facts() && observation().span() < kExchangesComeLate &&
         std::ranges::any_of(explanation.findings, [](const Finding& finding) {
           return finding.id == id::kIdlePeerWaits && finding.measure == measure_of(Kind::kTcp) &&
                  finding.confidence < kHeard;
         });
}

// Every chain that is more than a note is certain, and was so at the verdict before.
bool Run::firm() {
  watch_->inner().read_maps();
  const Explanation explanation = conclude();
  decltype(verdict_) verdict;
  for (const FindingIndex effect : explanation.effects) {
    const Finding& finding = explanation.at(effect);
    if (!certain(finding)) {
      verdict_.clear();
      return false;
    }
    if (finding.severity > Severity::kInfo) {
      verdict.emplace_back(finding.id, finding.subject.process);
    }
  }
  if (exchange_may_come(explanation)) {
    verdict_.clear();
    return false;
  }
  const bool again = !verdict.empty() && verdict == verdict_;
  verdict_ = std::move(verdict);
  return again || (verdict_.empty() && calm());
}

bool Run::over() {
  if (stop_) return true;
  const auto spent = observation().span();
  if (plan_.duration) return spent >= *plan_.duration;
  if (spent >= kLongest) return true;
  if (spent < kShortest || observation().times().size() < kFewestLooks) return false;
  if (BootClock::now() < next_verdict_) return false;
  next_verdict_ = BootClock::now() + kVerdictPause;
  return firm();
}

Exit Run::report(const Explanation& explanation) {
  const bool more = plan_.outputs.everything || plan_.outputs.json;
  const FindingDocument document{.explanation = explanation,
                                 .observed = observation().span(),
                                 .looks = observation().times().size(),
                                 .traced = followed_.size(),
                                 .missing = watch_->missing(session_.get(), untraced_, more),
                                 .everything = plan_.outputs.everything};
  return write_explanation(context_, document, plan_.outputs);
}

// The facts that the explanation is made from, into the recording.
void Run::keep() {
  if (!recorder_) return;
  const SampleTexts no_texts;
  if (session_) {
    const TraceDocument document{.ledger = session_->ledger(),
                                 .stacks = session_->stacks(),
                                 .texts = no_texts,
                                 .losses = session_->source().losses(),
                                 .repairs = session_->source().repairs(),
                                 .unnamed_stacks = session_->unnamed_stacks(),
                                 .kinds = {}};
    if (const auto kept = recorder_->write(document, rows_); !kept) {
      complain(kept.error().message());
      return;
    }
  }
  recorder_->keep(watch_->rows(session_.get(), followed_.size(), untraced_));
}

// The youngest child that is stuck has the command, the environment and the directory of the
// others.
void Run::reproduce() {
  progress({});
  for (const Finding& finding : conclude().findings) {
    if (finding.id != id::kStuckChildren) continue;
    std::optional<ProcessIndex> youngest;
    for (const ProcessKey key : finding.leads_to) {
      const auto child = find_process(watch_->now().survey, key.pid);
      if (!child) continue;
      const Process& process = watch_->now().survey.processes[number(*child)];
      if (process.key != key || process.parent != finding.subject.process.pid) continue;
      if (youngest && watch_->now().survey.processes[number(*youngest)].key.start > key.start)
        continue;
      youngest = child;
    }
    if (!youngest) continue;
    const auto recipe = Recipe::of(watch_->now().survey, *youngest);
    if (!recipe) return complain(recipe.error().message());
    return run_again(*recipe, finding);
  }
  complain("--reproduce: no child is stuck, so there is nothing to run again");
}

void Run::run_again(const Recipe& recipe, const Finding& stuck) {
  std::fputs(recipe.told(kRerun).c_str(), stderr);
  if (refused(context_, plan_.consent, signals_.descriptor())) return;
  auto running = Rerunning::start(recipe);
  if (!running) return complain(running.error().message());
  watch_->reading().follow(running->pid());
  for (const ProcessKey key : stuck.leads_to) {
    const auto other = find_process(watch_->now().survey, key.pid);
    // Whom the children wait for, not they themselves.
    if (other &&
        watch_->now().survey.processes[number(*other)].parent != stuck.subject.process.pid) {
      watch_->reading().follow(key.pid);
    }
  }
  const BootTime began = BootClock::now();
  if (const auto gone = running->go(); !gone) return complain(gone.error().message());
  while (!stop_ && !running->status() && BootClock::now() - began < kRerun) {
    progress(fmt::format("running it again … {}", human_duration(BootClock::now() - began)));
    wait_until(BootClock::now() + kPass);
  }
  watch_->set_rerun({recipe.like, stuck.subject.process, running->pid(), BootClock::now() - began,
                     running->status(), recipe.input_gone});
  // What it sees is judged by a look at it while it is there.
  if (const auto looked = watch_->look_once_more(); !looked) complain(looked.error().message());
  attend();
}

Exit Run::run() {
  if (const auto early = begin()) return *early;
  do {
    progress(fmt::format("watching {} processes, {} of them traced … {}",
                         human_count(watch_->first().survey.processes.size()), followed_.size(),
                         human_duration(observation().span())));
    wait_until(BootClock::now() + std::clamp(watch_->took() * kLookShare, kLook, kRarest));
    const auto looked = watch_->look();
    if (!looked) complain(looked.error().message());
    if (!looked || !*looked) break;
    suspect();
    watch_->listen_in(session_.get());
  } while (!over());
  if (session_) {
    (void)session_->listen(0ms);
    (void)session_->look(TraceSession::Look::kNow, &rows_);
  }
  if (plan_.reproduce) reproduce();
  watch_->finish();
  progress({});
  keep();
  return report(conclude());
}

}  // namespace

Exit run_explain(Context& context, const ExplainPlan& plan) {
  return Run(context, plan).run();
}

}  // namespace plumb::app
