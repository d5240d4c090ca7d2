// SPDX-License-Identifier: Apache-2.0
// Facts out of a recording's rows.
#include "detect/finding/recorded_facts.h"

#include <algorithm>
#include <map>

#include "detect/finding/fact_fields.h"

namespace plumb::detect {
namespace {

// An observation keeps some hundreds of times; what a file may make the models do is bounded so.
constexpr std::size_t kMostLooks = 8192;
constexpr std::uint64_t kMostGoroutines = 1'000'000;
constexpr std::size_t kMostReasons = 200;

StackNode stack_of(StackStore& stacks, const std::vector<Frame>& frames) {
  std::vector<FrameId> ids;
  for (const Frame& frame : frames) ids.push_back(stacks.intern(frame));
  return stacks.add(ids);
}

// The counts of the last look are those that changed last.
Counts counts_of(const Tracked& tracked) {
  Counts counts{};
  for (const auto& [measure, changes] : tracked.changes) {
    if (!changes.empty()) counts[place_of(measure)] = changes.back().count;
  }
  return counts;
}

struct GoProcess {
  std::map<std::string, GoroutineSeries::Site> sites;
  GoroutineSnapshot last;
  std::map<std::string, std::uint8_t> reasons;
};

}  // namespace

RecordedFacts::RecordedFacts(Survey first, Survey now)
    : first_survey_(std::move(first)),
      now_survey_(std::move(now)),
      first_(first_survey_),
      now_(now_survey_),
      tree_(grow_tree(now_survey_, select(now_survey_, {}))) {}

std::unique_ptr<RecordedFacts> RecordedFacts::read(const FactSet& facts) {
  FactSource source(facts);
  std::optional<ObservedBy> by;
  source.each<ObservedBy>("observation", [&](ObservedBy& fact) {
    const bool only = !by.has_value();
    by = std::move(fact);
    return only;
  });
  if (!by) return nullptr;
  std::unique_ptr<RecordedFacts> made(
      new RecordedFacts(read_survey(source, kFirstLook), read_survey(source, kLastLook)));
  made->by_ = std::move(*by);
  made->read_observation(source);
  made->read_exchanges(source);
  made->read_requests(source);
  made->read_goroutines(source);
  source.each<MappingGrowth>("mappings", [&](MappingGrowth& fact) {
    made->mappings_.push_back(std::move(fact));
    return true;
  });
  source.each<ThreadStackFacts>("thread_stack", [&](ThreadStackFacts& fact) {
    made->threads_.push_back(std::move(fact));
    return true;
  });
  source.each<Mark>("mark", [&](Mark& fact) {
    made->marks_.push_back(std::move(fact));
    return true;
  });
  source.each<Rerun>("rerun", [&](Rerun& fact) {
    made->rerun_ = fact;
    return true;
  });
  source.each<Refusals>("refusals", [&](const Refusals& fact) {
    made->refusals_.push_back(fact);
    return true;
  });
  made->senseless_ = source.senseless();
  return made;
}

void RecordedFacts::read_observation(FactSource& source) {
  std::vector<BootTime> times;
  std::map<ProcessKey, Tracked> processes;
  std::map<SocketKey, TrackedListener> listeners;
  source.each<LookFact>("look", [&](const LookFact& fact) {
    const bool sensible = times.size() < kMostLooks && (times.empty() || times.back() <= fact.time);
    if (sensible) times.push_back(fact.time);
    return sensible;
  });
  source.each<TrackedFact>("tracked", [&](TrackedFact& fact) {
    const bool ascending = std::ranges::all_of(fact.row.changes, [](const auto& one) {
      return std::ranges::is_sorted(one.second, {}, &Tracked::Change::look);
    });
    if (!ascending || fact.row.first_look > kMostLooks || fact.row.looks > kMostLooks) return false;
    fact.row.counts = counts_of(fact.row);
    return processes.try_emplace(fact.process, std::move(fact.row)).second;
  });
  source.each<ListenerFact>("listener", [&](const ListenerFact& fact) {
    return listeners.try_emplace(fact.socket, fact.row).second;
  });
  observation_ = Observation(std::move(times), std::move(processes), std::move(listeners));
}

void RecordedFacts::read_exchanges(FactSource& source) {
  bool captured = false;
  source.each<CaptureFact>("capture", [&](const CaptureFact&) { return captured = true; });
  if (!captured) return;
  source.each<Connection>("connection", [&](const Connection& fact) {
    connections_.restore(fact);
    return true;
  });
  http_.emplace(ExchangeFacts{connections_, {}});
  source.each<Exchange>("exchange", [&](Exchange& fact) {
    http_->exchanges.push_back(std::move(fact));
    return true;
  });
}

RecordedFacts::Requests& RecordedFacts::requests_of(Pid process) {
  for (const auto& one : requests_) {
    if (one->process == process) return *one;
  }
  requests_.push_back(std::make_unique<Requests>());
  requests_.back()->process = process;
  return *requests_.back();
}

void RecordedFacts::read_requests(FactSource& source) {
  source.each<GoHttpSiteFact>("held_requests", [&](GoHttpSiteFact& fact) {
    Requests& requests = requests_of(fact.process);
    GoHttpSite site;
    site.stack = stack_of(requests.stacks, fact.stack);
    site.states = fact.states;
    site.requests = std::move(fact.requests);
    requests.leaks.sites.push_back(std::move(site));
    return true;
  });
  source.each<GoIdleFact>("idle_connections", [&](const GoIdleFact& fact) {
    Requests& requests = requests_of(fact.process);
    requests.leaks.idle.push_back({stack_of(requests.stacks, fact.stack), fact.connections});
    return true;
  });
  for (const auto& one : requests_) go_http_.push_back({one->process, one->leaks, one->stacks});
}

void RecordedFacts::read_goroutines(FactSource& source) {
  std::map<Pid, GoProcess> processes;
  source.each<GoStatementFact>("go_statement", [&](GoStatementFact& fact) {
    if (fact.counts.empty() || fact.counts.size() > kMostLooks) return false;
    GoroutineSeries::Site site{std::move(fact.creator), std::move(fact.counts)};
    return processes[fact.process].sites.try_emplace(fact.key, std::move(site)).second;
  });
  std::uint64_t left = kMostGoroutines;
  source.each<GoroutinesFact>("goroutines", [&](const GoroutinesFact& fact) {
    const auto process = processes.find(fact.process);
    if (process == processes.end() || fact.count > left) return false;
    left -= fact.count;
    GoroutineSnapshot& last = process->second.last;
    auto& reasons = process->second.reasons;
    if (reasons.empty()) {
      reasons[""] = 0;
      last.wait_reasons.emplace_back();
    }
    const auto [reason, is_new] =
        reasons.try_emplace(fact.reason, static_cast<std::uint8_t>(last.wait_reasons.size()));
    if (is_new && last.wait_reasons.size() >= kMostReasons) {
      reasons.erase(reason);
      return false;
    }
    if (is_new) last.wait_reasons.push_back(fact.reason);
    Goroutine one;
    one.state = fact.state;
    one.reason = reason->second;
    one.stack = stack_of(last.stacks, fact.stack);
    one.creator = stack_of(last.stacks, {fact.creator});
    last.goroutines.insert(last.goroutines.end(), fact.count, one);
    return true;
  });
  for (auto& [pid, process] : processes) {
    process.last.process = pid;
    GoroutineSeries series(std::move(process.sites), std::move(process.last));
    goroutines_.emplace_back(new Goroutines{pid, std::move(series)});
  }
  for (const auto& one : goroutines_) goroutine_facts_.push_back({one->process, one->series});
}

Facts RecordedFacts::facts(const TraceFacts* trace) const {
  return {.first = first_,
          .now = now_,
          .tree = tree_,
          .observation = observation_,
          .trace = trace,
          .http = http_ ? &*http_ : nullptr,
          .go_http = go_http_,
          .goroutines = goroutine_facts_,
          .mappings = mappings_,
          .threads = threads_,
          .marks = marks_,
          .refusals = refusals_,
          .rerun = rerun_ ? &*rerun_ : nullptr,
          .ephemeral = by_.ephemeral,
          .self = by_.self};
}

Explanation RecordedFacts::explain(const TraceFacts* trace) const {
  std::vector<Selector> victims;
  for (const std::string& text : by_.victims) {
    if (auto selector = parse_selector(text)) victims.push_back(*std::move(selector));
  }
  return detect::explain(facts(trace), select(now_survey_, victims));
}

}  // namespace plumb::detect
