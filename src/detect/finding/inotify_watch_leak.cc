// SPDX-License-Identifier: Apache-2.0
// inotify-watch-leak: watches pile up within inotify descriptors. Every user has a bounded number
// of them (fs.inotify.max_user_watches), shared by all of his programs.
#include <fmt/format.h>

#include "detect/finding/kinds.h"
#include "detect/finding/wording.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kLeastRise = 5;
constexpr auto kLongEnough = 20s;  // who looks at a tree of folders for the first time is done then

}  // namespace

void find_inotify_watch_leak(const Facts& facts, std::vector<Finding>& found) {
  const Survey& survey = facts.now.survey;
  for (std::uint32_t p = 0; p < survey.processes.size(); ++p) {
    const ProcessIndex index{p};
    const Tracked* tracked = facts.tracked(index);
    if (tracked == nullptr || !facts.earlier(index)) continue;
    if (tracked->counts[place_of(Measure::kWatches)] < kLeastRise) continue;
    const Trend trend = facts.observation.trend(*tracked, Measure::kWatches, kLeastRise);
    if (!trend.rises()) continue;
    // Where the inotify descriptors themselves pile up, that is the finding.
    const auto descriptors = tracked->counts[place_of(measure_of(Kind::kInotify))];
    if (2 * descriptors >= tracked->counts[place_of(Measure::kWatches)]) continue;
    const std::string who = name_with_pid(survey, index);
    Finding finding;
    finding.id = id::kInotifyWatchLeak;
    finding.subject = subject_of(survey, index);
    finding.severity = Severity::kWarning;
    finding.confidence = facts.observed() >= kLongEnough ? 0.85 : 0.75;
    finding.measure = Measure::kWatches;
    finding.weight = tracked->counts[place_of(Measure::kWatches)];
    finding.series = facts.observation.series(*tracked, Measure::kWatches);
    finding.summary =
        fmt::format("{} leaks inotify watches: {} in {}, {}", who, human_count(finding.weight),
                    counted(descriptors, "descriptor", "descriptors"), rate_text(trend.per_second));
    finding.evidence.push_back(
        {"growth",
         fmt::format("from {} to {} in {}, {}", finding.series.front().count, finding.weight,
                     human_duration(facts.observation.span()), name_of(trend.shape))});
    finding.whose_move = who;
    finding.remedy =
        fmt::format("{} must call inotify_rm_watch() for what it no longer looks at", who);
    found.push_back(std::move(finding));
  }
}

}  // namespace plumb::detect
