// SPDX-License-Identifier: Apache-2.0
// The loop of an explanation: a survey a second, a trace of the suspicious, and the verdict as soon
// as it is firm.
#include "app/cli/explain_run.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "app/cli/inner_looks.h"
#include "app/cli/looking.h"
#include "app/cli/mark_watch.h"
#include "app/cli/read_along.h"
#include "app/cli/reproduce.h"
#include "app/cli/signals.h"
#include "app/cli/suspicion.h"
#include "app/cli/trace_session.h"
#include "detect/finding/kinds.h"
#include "detect/report/finding_document.h"
#include "detect/report/summary.h"
#include "detect/source/survey_source.h"
#include "plumb/base/human.h"
#include "plumb/base/text.h"

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
constexpr std::size_t kListenEvery = 4;  // looks between two thoughts of reading along
constexpr auto kRerun = 8s;
constexpr std::size_t kMostVictims = 64;
constexpr std::size_t kMostSuspects = 24;

// A survey and what is read out of it, together: Joined refers to the survey.
struct Look {
  explicit Look(Survey&& taken) : survey(std::move(taken)), joined(survey) {}
  Survey survey;
  Joined joined;
};

class Run {
 public:
  Run(Context& context, const ExplainPlan& plan) : context_(context), plan_(plan) {}

  Exit run();

 private:
  std::optional<Exit> begin();
  Result<std::unique_ptr<Look>> look();
  void choose_victims();
  void suspect();
  void follow(Pid process);
  void attend();
  void listen_in();
  void reproduce();
  void run_again(const Recipe& recipe, const Finding& stuck);
  void wait_until(BootTime time);
  bool over();
  bool victims_gone(const Survey& survey) const;
  bool certain(const Finding& finding) const;
  bool calm() const;
  bool firm();
  bool exchange_may_come(const Explanation& explanation) const;
  Explanation conclude();
  Exit report(const Explanation& explanation);
  std::vector<std::string> missing() const;
  void progress(std::string_view what);

  Context& context_;
  const ExplainPlan& plan_;
  Signals signals_;
  std::unique_ptr<SurveySource> source_;
  std::unique_ptr<Look> first_;
  std::unique_ptr<Look> now_;
  Selection selection_;       // of the first survey
  std::vector<Pid> victims_;  // that were chosen by themselves
  Observation observation_;
  MarkWatch marks_;
  std::unique_ptr<TraceSession> session_;
  std::string untraced_;  // why there is no trace
  ReadAlong reading_;
  std::optional<Rerun> rerun_;
  std::set<Pid> followed_;
  InnerLooks inner_;
  std::chrono::nanoseconds took_{};
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
  auto source = open_survey();
  if (!source) {
    complain(source.error().message());
    return Exit::kNotPossible;
  }
  source_ = *std::move(source);
  auto looked = look();
  if (!looked) {
    complain(looked.error().message());
    return Exit::kNotPossible;
  }
  first_ = *std::move(looked);
  observation_.add(first_->joined);
  selection_ = select(first_->survey, plan_.victims);
  if (complain_of_unmatched(first_->survey, selection_)) return Exit::kUsage;
  choose_victims();
  for (const Pid pid : victims_) follow(pid);
  return std::nullopt;
}

Result<std::unique_ptr<Look>> Run::look() {
  const BootTime began = BootClock::now();
  auto survey = source_->take({.waits = true});
  if (!survey) return std::move(survey).error();
  auto taken = std::make_unique<Look>(*std::move(survey));
  took_ = BootClock::now() - began;
  return taken;
}

void Run::choose_victims() {
  if (selection_.everything) return;
  const Survey& survey = first_->survey;
  std::vector<bool> chosen(survey.processes.size());
  for (std::uint32_t p = 0; p < chosen.size(); ++p) chosen[p] = selection_.has(ProcessIndex{p});
  for (std::size_t row = 0; row < survey.descriptors.size(); ++row) {
    if (selection_.has_row(row)) chosen[number(survey.descriptors[row].process)] = true;
  }
  for (std::size_t p = 0; p < chosen.size() && victims_.size() < kMostVictims; ++p) {
    if (chosen[p]) victims_.push_back(survey.processes[p].key.pid);
  }
}

void Run::follow(Pid process) {
  if (!untraced_.empty() || !followed_.insert(process).second) return;
  if (!session_) {
    TraceSettings settings;
    settings.options.follow_children = false;
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
  inner_.follow(process);
  marks_.follow(process);
}

void Run::suspect() {
  if (observation_.times().size() < 4) return;
  const auto found =
      suspicious(first_->joined, now_->joined, observation_, Pid{::getpid()}, kMostSuspects);
  if (found.empty()) return;
  // To read a stranger's frame information takes longer than all looks at the victim.
  const std::set<Pid> circle = circle_of(now_->joined, victims_);
  for (const Pid pid : found) {
    if (followed_.size() >= kMostVictims + kMostSuspects) return;
    if (selection_.everything || circle.contains(pid)) follow(pid);
  }
}

// Reads along where processes wait for each other over a connection.
void Run::listen_in() {
  if (observation_.times().size() % kListenEvery != 0) return;
  for (const Finding& finding : conclude().findings) {
    if (finding.id == id::kIdlePeerWaits && finding.severity > Severity::kInfo) {
      reading_.follow(finding.subject.process.pid);
    }
  }
}

void Run::attend() {
  marks_.attend();
  reading_.attend();
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

bool Run::victims_gone(const Survey& survey) const {
  return !victims_.empty() && std::ranges::none_of(victims_, [&](Pid pid) {
    const auto found = find_process(survey, pid);
    const auto before = find_process(first_->survey, pid);
    // One that a survey has missed is not gone.
    if (!found) return ::kill(number(pid), 0) == 0;
    return before &&
           survey.processes[number(*found)].key == first_->survey.processes[number(*before)].key;
  });
}

// As sure as it gets. On a busy machine the stack of what leaks is named later than it is counted.
bool Run::certain(const Finding& finding) const {
  if (finding.severity == Severity::kInfo) return true;
  if (finding.confidence < kFirm) return false;
  const bool has_site = finding.id != id::kDescriptorLeak || !finding.stack.empty();
  return has_site || !session_ || observation_.span() >= kStacksComeLate;
}

// Nothing has moved: what comes once in a quarter of a minute would have.
bool Run::calm() const {
  if (observation_.span() < kCalm || observation_.times().size() < kCalmLooks) return false;
  const auto moving = suspicious(first_->joined, now_->joined, observation_, Pid{::getpid()},
                                 now_->survey.processes.size());
  if (selection_.everything) return moving.empty();
  const std::set<Pid> circle = circle_of(now_->joined, victims_);
  return std::ranges::none_of(moving, [&](Pid pid) { return circle.contains(pid); });
}

// Connections are seen to wait before what is said on them is read: that begins with the next
// exchange, and an answer without an end is one only when nothing has followed for some seconds.
bool Run::exchange_may_come(const Explanation& explanation) const {
  return reading_.facts() && observation_.span() < kExchangesComeLate &&
         std::ranges::any_of(explanation.findings, [](const Finding& finding) {
           return finding.id == id::kIdlePeerWaits && finding.measure == measure_of(Kind::kTcp);
         });
}

// Every chain that is more than a note is certain, and was so at the verdict before.
bool Run::firm() {
  inner_.read_maps();
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
  const auto spent = observation_.span();
  if (plan_.duration) return spent >= *plan_.duration;
  if (spent >= kLongest) return true;
  if (spent < kShortest || observation_.times().size() < kFewestLooks) return false;
  if (BootClock::now() < next_verdict_) return false;
  next_verdict_ = BootClock::now() + kVerdictPause;
  return firm();
}

Explanation Run::conclude() {
  const auto tree = grow_tree(now_->survey, select(now_->survey, {}));
  std::optional<TraceFacts> trace;
  if (session_) {
    trace.emplace(TraceFacts{session_->ledger(), session_->stacks(), session_->source().losses(),
                             session_->unnamed_stacks()});
  }
  const auto http = reading_.facts();
  Facts facts{.first = first_->joined,
              .now = now_->joined,
              .tree = tree,
              .observation = observation_,
              .trace = trace ? &*trace : nullptr,
              .http = http ? &*http : nullptr,
              .marks = marks_.marks(),
              .rerun = rerun_ ? &*rerun_ : nullptr,
              .self = Pid{::getpid()}};
  inner_.add_to(facts);
  if (const auto range = read_file("/proc/sys/net/ipv4/ip_local_port_range", 64)) {
    std::string_view rest = trim(*range);
    const auto low = parse_number<std::uint16_t>(take_word(rest));
    const auto high = parse_number<std::uint16_t>(trim(rest));
    if (low && high) facts.ephemeral = {*low, *high};
  }
  return explain(facts, selection_.everything ? selection_ : select(now_->survey, plan_.victims));
}

std::vector<std::string> Run::missing() const {
  std::vector<std::string> all;
  if (!untraced_.empty()) all.push_back("which code acquires what: " + untraced_);
  if (!reading_.why_not().empty()) {
    all.push_back("what goes over connections: " + reading_.why_not());
  }
  if (plan_.everything || plan_.json) {
    all.insert(all.end(), marks_.missing().begin(), marks_.missing().end());
  }
  const std::string text = missing_text(now_->survey);
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view one = take_until(rest, '\n');
    if (one.starts_with("not seen: ")) one.remove_prefix(10);
    if (!one.empty()) all.emplace_back(one);
  }
  if (!session_) return all;
  const TraceLosses losses = session_->source().losses();
  if (losses.holdings + losses.stacks + losses.events + losses.missed_runs > 0) {
    all.push_back(fmt::format("of the trace: {} descriptors, {} stacks, {} events found no room",
                              losses.holdings, losses.stacks, losses.events + losses.missed_runs));
  }
  return all;
}

Exit Run::report(const Explanation& explanation) {
  const FindingDocument document{.explanation = explanation,
                                 .observed = observation_.span(),
                                 .looks = observation_.times().size(),
                                 .traced = followed_.size(),
                                 .missing = missing(),
                                 .everything = plan_.everything};
  if (plan_.json) {
    write_findings_json(document, context_.out.sink());
  } else {
    write_findings_text(document, context_.paper(), context_.out.sink());
  }
  const auto page = [&](const Sink& sink) { write_findings_html(document, sink); };
  if (!write_file(plan_.html, page)) return Exit::kNotPossible;
  return explanation.anything_wrong() ? Exit::kFindings : Exit::kOk;
}

// The youngest child that is stuck has the command, the environment and the directory of the
// others.
void Run::reproduce() {
  progress({});
  for (const Finding& finding : conclude().findings) {
    if (finding.id != id::kStuckChildren) continue;
    std::optional<ProcessIndex> youngest;
    for (const ProcessKey key : finding.leads_to) {
      const auto child = find_process(now_->survey, key.pid);
      if (!child) continue;
      const Process& process = now_->survey.processes[number(*child)];
      if (process.key != key || process.parent != finding.subject.process.pid) continue;
      if (youngest && now_->survey.processes[number(*youngest)].key.start > key.start) continue;
      youngest = child;
    }
    if (!youngest) continue;
    const auto recipe = Recipe::of(now_->survey, *youngest);
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
  reading_.follow(running->pid());
  for (const ProcessKey key : stuck.leads_to) {
    const auto other = find_process(now_->survey, key.pid);
    // Whom the children wait for, not they themselves.
    if (other && now_->survey.processes[number(*other)].parent != stuck.subject.process.pid) {
      reading_.follow(key.pid);
    }
  }
  const BootTime began = BootClock::now();
  if (const auto gone = running->go(); !gone) return complain(gone.error().message());
  while (!stop_ && !running->status() && BootClock::now() - began < kRerun) {
    progress(fmt::format("running it again … {}", human_duration(BootClock::now() - began)));
    wait_until(BootClock::now() + kPass);
  }
  rerun_ = Rerun{recipe.like, stuck.subject.process, running->pid(), BootClock::now() - began,
                 running->status()};
  // What it sees is judged by a look at it while it is there.
  if (auto looked = look()) {
    now_ = *std::move(looked);
    observation_.add(now_->joined);
  }
  attend();
}

Exit Run::run() {
  if (const auto early = begin()) return *early;
  do {
    progress(fmt::format("watching {} processes, {} of them traced … {}",
                         human_count(first_->survey.processes.size()), followed_.size(),
                         human_duration(observation_.span())));
    wait_until(BootClock::now() + std::clamp(took_ * kLookShare, kLook, kRarest));
    auto looked = look();
    if (!looked) {
      complain(looked.error().message());
      if (!now_) return Exit::kNotPossible;
      break;
    }
    // What has ended keeps what was found of it: the last look that had it is the last.
    if (now_ && victims_gone((*looked)->survey)) break;
    now_ = *std::move(looked);
    observation_.add(now_->joined);
    suspect();
    inner_.look();
    listen_in();
  } while (!over());
  if (session_) {
    (void)session_->listen(0ms);
    (void)session_->look(TraceSession::Look::kNow);
  }
  if (plan_.reproduce) reproduce();
  inner_.finish();
  marks_.attend();
  marks_.read_journal(first_->survey.taken);
  progress({});
  return report(conclude());
}

}  // namespace

Exit run_explain(Context& context, const ExplainPlan& plan) {
  return Run(context, plan).run();
}

}  // namespace plumb::app
