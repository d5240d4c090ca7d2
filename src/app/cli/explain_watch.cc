// SPDX-License-Identifier: Apache-2.0
// Watching, and concluding from what was seen.
#include "app/cli/explain_watch.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <optional>

#include "app/cli/port_range.h"
#include "detect/finding/kinds.h"
#include "detect/model/tree.h"
#include "detect/report/summary.h"
#include "detect/source/time_waits.h"
#include "plumb/base/text.h"

namespace plumb::app {

using namespace detect;

namespace {

constexpr std::size_t kListenEvery = 4;
constexpr std::size_t kMostVictims = 64;
constexpr std::size_t kMostLooks = 512;

// Of all processors.
std::chrono::nanoseconds spent_by_this_process() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

Result<std::unique_ptr<ExplainWatch>> ExplainWatch::open(std::vector<Selector> victims,
                                                         Secrets secrets) {
  auto source = open_survey();
  if (!source) return std::move(source).error();
  std::unique_ptr<ExplainWatch> watch(
      new ExplainWatch(*std::move(source), std::move(victims), secrets));
  auto looked = watch->take();
  if (!looked) return std::move(looked).error();
  watch->first_ = *std::move(looked);
  watch->observation_.add(watch->first_->joined);
  watch->selection_ = select(watch->first_->survey, watch->selectors_);
  watch->choose_victims();
  watch->ephemeral_ = ephemeral_ports(
      watch->victims_.empty() ? std::nullopt : std::optional(watch->victims_.front()));
  return watch;
}

Result<std::unique_ptr<SurveyView>> ExplainWatch::take() {
  const BootTime began = BootClock::now();
  const auto spent = spent_by_this_process();
  auto survey = source_->take({.waits = true});
  if (!survey) return std::move(survey).error();
  // Whose ports come to an end has nearly as many connections as there are ports.
  const std::uint64_t ports = ephemeral_.last - std::min(ephemeral_.first, ephemeral_.last) + 1U;
  read_time_waits(*survey, ports / 4 * 3);
  if (secrets_ == Secrets::kMask) mask_secrets(*survey);
  auto taken = std::make_unique<SurveyView>(*std::move(survey));
  took_ = BootClock::now() - began;
  cost_ = spent_by_this_process() - spent;
  return taken;
}

void ExplainWatch::choose_victims() {
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

bool ExplainWatch::victims_gone(const Survey& survey) const {
  return !victims_.empty() && std::ranges::none_of(victims_, [&](Pid pid) {
    const auto found = find_process(survey, pid);
    const auto before = find_process(first_->survey, pid);
    // One that a survey has missed is not gone.
    if (!found) return ::kill(number(pid), 0) == 0;
    return before &&
           survey.processes[number(*found)].key == first_->survey.processes[number(*before)].key;
  });
}

void ExplainWatch::follow(Pid process) {
  inner_.follow(process);
  marks_.follow(process);
}

void ExplainWatch::attend() {
  marks_.attend();
  reading_.attend();
}

Result<bool> ExplainWatch::look() {
  auto looked = take();
  if (!looked) return std::move(looked).error();
  if (now_ && victims_gone((*looked)->survey)) return false;
  now_ = *std::move(looked);
  observation_.add(now_->joined);
  inner_.look();
  if (observation_.times().size() < kMostLooks) return true;
  observation_.thin();
  stride_ *= 2;
  return true;
}

Result<void> ExplainWatch::look_once_more() {
  auto looked = take();
  if (!looked) return std::move(looked).error();
  now_ = *std::move(looked);
  observation_.add(now_->joined);
  return {};
}

void ExplainWatch::listen_in(const TraceSession* session) {
  if (observation_.times().size() % kListenEvery != 0) return;
  for (const Finding& finding : conclude(session).findings) {
    if (finding.id == id::kIdlePeerWaits && finding.severity > Severity::kInfo) {
      reading_.follow(finding.subject.process.pid);
    }
  }
}

void ExplainWatch::finish() {
  inner_.finish();
  marks_.attend();
  marks_.read_journal(first_->survey.taken);
}

template <typename Use>
auto ExplainWatch::with_facts(const TraceSession* session, Use&& use) {
  const auto tree = grow_tree(now().survey, select(now().survey, {}));
  std::optional<TraceFacts> trace;
  if (session != nullptr) {
    trace.emplace(TraceFacts{session->ledger(), session->stacks(), session->source().losses(),
                             session->unnamed_stacks()});
  }
  const auto http = reading_.facts();
  const auto refusals = session != nullptr ? session->source().refusals() : std::vector<Refusals>();
  Facts facts{.first = first(),
              .now = now(),
              .tree = tree,
              .observation = observation_,
              .trace = trace ? &*trace : nullptr,
              .http = http ? &*http : nullptr,
              .marks = marks_.marks(),
              .refusals = refusals,
              .rerun = rerun_ ? &*rerun_ : nullptr,
              .ephemeral = ephemeral_,
              .self = Pid{::getpid()}};
  inner_.add_to(facts);
  return use(facts);
}

Explanation ExplainWatch::conclude(const TraceSession* session) {
  return with_facts(session, [&](const Facts& facts) {
    return explain(facts, selection_.everything ? selection_ : select(now().survey, selectors_));
  });
}

FactList ExplainWatch::rows(const TraceSession* session, std::uint64_t traced,
                            const std::string& untraced) {
  return with_facts(session, [&](const Facts& facts) {
    ObservedBy by{.self = facts.self, .ephemeral = ephemeral_};
    for (const Selector& selector : selectors_) by.victims.push_back(selector.text);
    by.traced = traced;
    by.missing = missing(session, untraced, false);
    by.missing_more = missing(session, untraced, true);
    return facts_to_rows(facts, by, secrets_);
  });
}

std::vector<std::string> ExplainWatch::missing(const TraceSession* session,
                                               const std::string& untraced, bool more) const {
  std::vector<std::string> all;
  if (!untraced.empty()) all.push_back("which code acquires what: " + untraced);
  if (!reading_.why_not().empty()) {
    all.push_back("what goes over connections: " + reading_.why_not());
  }
  if (more) all.insert(all.end(), marks_.missing().begin(), marks_.missing().end());
  const std::string text = missing_text(now().survey);
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view one = take_until(rest, '\n');
    if (one.starts_with("not seen: ")) one.remove_prefix(10);
    if (!one.empty()) all.emplace_back(one);
  }
  if (session == nullptr) return all;
  const TraceLosses losses = session->source().losses();
  if (losses.holdings + losses.stacks + losses.events + losses.missed_runs > 0) {
    all.push_back(fmt::format("of the trace: {} descriptors, {} stacks, {} events found no room",
                              losses.holdings, losses.stacks, losses.events + losses.missed_runs));
  }
  return all;
}

}  // namespace plumb::app
