// SPDX-License-Identifier: Apache-2.0
// mapping-leak: mappings of memory pile up, as of files that are mapped and never unmapped. A
// process may have vm.max_map_count of them; the one beyond fails with ENOMEM.
#include <fmt/format.h>

#include <algorithm>

#include "detect/finding/kinds.h"
#include "detect/finding/sites.h"
#include "detect/finding/wording.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kLeastRise = 8;
constexpr std::uint64_t kMostMappings = 65530;  // vm.max_map_count, where nobody has changed it
constexpr auto kSoon = 10min;

// A stack of a thread is a mapping and its guard another: threads explain two each.
bool explained_by_threads(const Facts& facts, const Tracked& tracked, const Trend& trend) {
  const Trend threads = facts.observation.trend(tracked, Measure::kThreads, 1);
  return threads.rise > 0 && trend.rise <= 3 * threads.rise;
}

void add_what(const MappingGrowth& growth, Finding& finding) {
  for (const MappingGrowth::Row& row : growth.rows) {
    finding.evidence.push_back(
        {"mapped",
         fmt::format("{}, {} times now, {} at first; {} in all", row.name, human_count(row.now),
                     human_count(row.first), human_size(row.bytes))});
  }
}

// Whether the program itself called mmap(), not an allocator on its behalf.
bool mapped_directly(const std::vector<Frame>& stack) {
  const Frame* guilty = guilty_frame(stack);
  if (guilty == nullptr) return false;
  const auto outer = static_cast<std::size_t>(guilty - stack.data());
  return outer == 0 || (outer == 1 && stack.front().function.find("mmap") != std::string::npos);
}

// "main.c:12 map_it()" where the trace has seen who maps, else the process.
std::string add_mapper(const Facts& facts, ProcessIndex p, Finding& finding) {
  const auto sites = growing_sites(facts, facts.process(p).key.pid, Kind::kMapping);
  if (!sites.empty()) add_site(facts, *sites.front(), finding);
  const Frame* guilty = guilty_frame(finding.stack);
  return guilty == nullptr ? finding.whose_move : frame_text(*guilty);
}

}  // namespace

void find_mapping_leak(const Facts& facts, std::vector<Finding>& found) {
  const Survey& survey = facts.now.survey;
  for (std::uint32_t p = 0; p < survey.processes.size(); ++p) {
    const ProcessIndex index{p};
    const Tracked* tracked = facts.tracked(index);
    if (tracked == nullptr || !facts.earlier(index)) continue;
    const Trend trend = facts.observation.trend(*tracked, Measure::kMappings, kLeastRise);
    if (!trend.rises() || explained_by_threads(facts, *tracked, trend)) continue;
    const auto growth =
        std::ranges::find(facts.mappings, facts.process(index).key.pid, &MappingGrowth::process);
    const bool named = growth != facts.mappings.end() && !growth->rows.empty() &&
                       growth->rows.front().name.starts_with('/');
    const std::string who = name_with_pid(survey, index);
    Finding finding;
    finding.id = id::kMappingLeak;
    finding.subject = subject_of(survey, index);
    finding.measure = Measure::kMappings;
    finding.weight = tracked->counts[place_of(Measure::kMappings)];
    finding.series = facts.observation.series(*tracked, Measure::kMappings);
    finding.summary = fmt::format("{} leaks mappings of memory: {} now, {}", who,
                                  human_count(finding.weight), rate_text(trend.per_second));
    finding.evidence.push_back(
        {"growth",
         fmt::format("from {} to {} in {}, {}", finding.series.front().count, finding.weight,
                     human_duration(facts.observation.span()), name_of(trend.shape))});
    if (growth != facts.mappings.end()) add_what(*growth, finding);
    finding.whose_move = who;
    const std::string mapper = add_mapper(facts, index, finding);
    // Without a file that is mapped ever again it may be an allocator's own affair.
    const bool proven = named || mapped_directly(finding.stack);
    const auto full = time_to(kMostMappings, finding.weight, trend);
    finding.severity = !proven                 ? Severity::kInfo
                       : full && *full < kSoon ? Severity::kCritical
                                               : Severity::kWarning;
    finding.confidence = !proven ? 0.5 : named && !finding.stack.empty() ? 0.95 : 0.9;
    finding.remedy =
        named    ? fmt::format("{} must munmap() {} when it has read it", mapper,
                               growth->rows.front().name)
        : proven ? fmt::format("{} must munmap() what it maps", mapper)
                 : fmt::format("look again in an hour: an allocator stops, a leak does not");
    found.push_back(std::move(finding));
  }
}

}  // namespace plumb::detect
