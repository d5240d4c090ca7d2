// SPDX-License-Identifier: Apache-2.0
// memory-growth: resident memory rises steadily. Whether that is a leak, a cache or a start cannot
// be seen from outside in a minute: never more than info. Who takes the memory is told where the
// trace has seen it: by mappings, or by the heap's sampler where the process runs with it.
#include <fmt/format.h>

#include <algorithm>

#include "detect/finding/kinds.h"
#include "detect/finding/sites.h"
#include "detect/finding/wording.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kLeastBytes = 8 << 20;

// The site that has taken most of what is held since the trace began, if that matters beside the
// growth.
const Site* taker(const Facts& facts, ProcessIndex p, std::uint64_t growth) {
  const Site* most = nullptr;
  for (const Kind kind : {Kind::kHeap, Kind::kMapping}) {
    for (const Site* site : growing_sites(facts, facts.process(p).key.pid, kind)) {
      if (most == nullptr || site->held_bytes > most->held_bytes) most = site;
    }
  }
  return most != nullptr && 4 * most->held_bytes >= growth ? most : nullptr;
}

// Go's allocator maps memory for its collector, on a stack of its own: for which function cannot be
// seen there, and nothing of Go goes through the C library's allocator, which plumb could sample.
bool of_go(const Facts& facts, Pid process, const std::vector<Frame>& stack) {
  const bool seen = std::ranges::any_of(
      stack, [](const Frame& frame) { return frame.function.starts_with("runtime.(*mheap)."); });
  return seen || (stack.empty() && std::ranges::any_of(facts.goroutines, [&](const auto& watched) {
                    return watched.process == process;
                  }));
}

}  // namespace

void find_memory_growth(const Facts& facts, std::vector<Finding>& found) {
  const Survey& survey = facts.now.survey;
  for (std::uint32_t p = 0; p < survey.processes.size(); ++p) {
    const ProcessIndex index{p};
    const Tracked* tracked = facts.tracked(index);
    if (tracked == nullptr || !facts.earlier(index)) continue;
    const Trend trend =
        facts.observation.trend(*tracked, Measure::kResidentPages, kLeastBytes / kResidentUnit);
    if (!trend.rises()) continue;
    const std::string who = name_with_pid(survey, index);
    const std::uint64_t now =
        std::uint64_t{tracked->counts[place_of(Measure::kResidentPages)]} * kResidentUnit;
    const auto per_minute = static_cast<std::uint64_t>(trend.per_second * 60 * kResidentUnit);
    Finding finding;
    finding.id = id::kMemoryGrowth;
    finding.subject = subject_of(survey, index);
    finding.severity = Severity::kInfo;
    finding.confidence = 0.5;
    finding.measure = Measure::kResidentPages;
    finding.weight = now;
    finding.series = facts.observation.series(*tracked, Measure::kResidentPages);
    for (SeriesPoint& point : finding.series) point.count *= kResidentUnit;
    finding.summary =
        fmt::format("{} grows: {} resident, +{}/min", who, human_size(now), human_size(per_minute));
    finding.evidence.push_back(
        {"growth", fmt::format("from {} in {}, {}", human_size(finding.series.front().count),
                               human_duration(facts.observation.span()), name_of(trend.shape))});
    finding.whose_move = who;
    finding.remedy = fmt::format(
        "look again in an hour: a cache stops growing, a leak does not; plumb trace --heap {} "
        "shows who takes it, and slows it down meanwhile (plumb trace --heap -- CMD does not)",
        number(facts.process(index).key.pid));
    const Site* site = taker(facts, index, now - std::min(now, finding.series.front().count));
    if (site != nullptr) {
      finding.evidence.push_back(
          {"held since",
           fmt::format("plumb came: {} in {}", human_size(site->held_bytes),
                       site->kind == Kind::kHeap ? "blocks of the heap" : "mappings of memory")});
      add_site(facts, *site, finding);
      finding.remedy = "look again in an hour: a cache stops growing, a leak does not";
    }
    if (of_go(facts, facts.process(index).key.pid, finding.stack)) {
      finding.remedy =
          "look again in an hour: a cache stops growing, a leak does not; Go's collector has the "
          "memory, and the program's own heap profile (net/http/pprof, go tool pprof) says for "
          "which function";
    }
    found.push_back(std::move(finding));
  }
}

}  // namespace plumb::detect
