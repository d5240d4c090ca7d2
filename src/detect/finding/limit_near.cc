// SPDX-License-Identifier: Apache-2.0
// limit-near: a descriptor table that is nearly full, and what fills it.
#include <fmt/format.h>

#include <algorithm>

#include "detect/finding/kinds.h"
#include "detect/finding/names.h"
#include "detect/finding/other_ends.h"
#include "detect/finding/wording.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr double kNear = 0.9;
constexpr double kAtLimit = 0.98;
constexpr std::uint64_t kRoom = 2;  // as good as full: an accept and a file no longer fit

Kind most_held(const KindCounts& counts) {
  const auto most = std::ranges::max_element(counts);
  return static_cast<Kind>(most - counts.begin());
}

std::string kinds_of(const KindCounts& counts) {
  std::vector<std::pair<std::uint32_t, Kind>> sorted;
  for (const Kind kind : all_kinds()) {
    const std::uint32_t count = counts[static_cast<std::size_t>(kind)];
    if (count > 0) sorted.emplace_back(count, kind);
  }
  std::ranges::stable_sort(sorted, std::ranges::greater{},
                           [](const auto& one) { return one.first; });
  std::string text;
  for (std::size_t k = 0; k < std::min<std::size_t>(sorted.size(), 4); ++k) {
    text += fmt::format("{}{} {}", k == 0 ? "" : ", ", human_count(sorted[k].first),
                        name_of(sorted[k].second));
  }
  return text;
}

// How long the connections of the kind have been quiet: the median.
std::optional<std::chrono::nanoseconds> usual_idle(const Facts& facts, ProcessIndex p, Kind kind) {
  std::vector<std::chrono::nanoseconds> idle;
  const auto rows = facts.now.tables.rows_of(p);
  for (std::uint32_t d = rows.first; d < rows.last; ++d) {
    const Descriptor& row = facts.now.survey.descriptors[d];
    if (row.kind != kind) continue;
    if (const auto quiet = idle_of(facts.now.survey, row)) idle.push_back(*quiet);
  }
  if (idle.empty()) return std::nullopt;
  const auto middle = idle.begin() + static_cast<std::ptrdiff_t>(idle.size() / 2);
  std::ranges::nth_element(idle, middle);
  return *middle;
}

Finding near(const Facts& facts, ProcessIndex p, std::uint64_t open, std::uint64_t limit) {
  const Survey& survey = facts.now.survey;
  const KindCounts counts = facts.now.tables.counts_of(p);
  const Kind kind = most_held(counts);
  const std::string who = name_with_pid(survey, p);
  Finding finding;
  finding.id = id::kLimitNear;
  finding.subject = subject_of(survey, p);
  const bool full =
      open + kRoom >= limit || static_cast<double>(open) >= kAtLimit * static_cast<double>(limit);
  finding.severity = full ? Severity::kCritical : Severity::kWarning;
  finding.confidence = 1;
  finding.weight = open;
  finding.measure = measure_of(kind);
  finding.summary =
      fmt::format("{} {} its limit of descriptors: {} of {} open, {} of them {}", who,
                  full ? "is at" : "comes near", human_count(open), human_count(limit),
                  human_count(counts[static_cast<std::size_t>(kind)]), name_of(kind));
  finding.evidence.push_back({"open", kinds_of(counts)});
  const OtherEnds ends = other_ends_of(facts, p, kind);
  if (const std::string text = other_ends_text(facts, ends); !text.empty()) {
    finding.evidence.push_back({"other ends", text});
  }
  if (std::string names = names_text(facts, p, kind); !names.empty()) {
    finding.evidence.push_back({"they are", std::move(names)});
  }
  if (const auto idle = usual_idle(facts, p, kind)) {
    finding.evidence.push_back({"quiet", fmt::format("half of the {} for {} or longer",
                                                     name_of(kind), human_duration(*idle))});
  }
  for (const auto& party : ends.parties) {
    for (const ProcessIndex holder : party.holders) {
      finding.leads_to.push_back(facts.process(holder).key);
    }
  }
  const auto hard = facts.process(p).descriptor_hard_limit;
  if (hard && *hard > limit) {
    finding.evidence.push_back({"hard limit", human_count(*hard)});
  }
  if (const Tracked* tracked = facts.tracked(p)) {
    finding.series = facts.observation.series(*tracked, Measure::kDescriptors);
  }
  finding.whose_move = who;
  finding.remedy =
      kind == Kind::kTcp
          ? fmt::format(
                "{} should close connections that are idle; until then a higher limit "
                "gains time (prlimit --nofile)",
                who)
          : fmt::format(
                "{} must close what it no longer needs; until then a higher limit gains "
                "time (prlimit --nofile)",
                who);
  return finding;
}

}  // namespace

void find_limit_near(const Facts& facts, std::vector<Finding>& found) {
  for (std::uint32_t p = 0; p < facts.now.survey.processes.size(); ++p) {
    const ProcessIndex index{p};
    const auto limit = facts.process(index).descriptor_limit;
    const std::uint64_t open = facts.now.tables.size_of(index);
    if (!limit || *limit == 0 || open < 8) continue;
    const bool is_near = static_cast<double>(open) >= kNear * static_cast<double>(*limit);
    if (is_near || open + kRoom >= *limit) found.push_back(near(facts, index, open, *limit));
  }
}

}  // namespace plumb::detect
