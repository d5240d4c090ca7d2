// SPDX-License-Identifier: Apache-2.0
// deleted-file-held: files that have no name any more and take up disk until they are closed.
#include <fmt/format.h>

#include <algorithm>

#include "detect/finding/kinds.h"
#include "detect/finding/sites.h"
#include "detect/finding/wording.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kManyBytes = 256 << 20;
constexpr std::uint64_t kLeastRise = 5;

struct Held {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::optional<DescriptorIndex> largest;
};

bool on_disk(std::string_view path) {
  return !path.starts_with("/dev/shm/") && !path.starts_with("/memfd:") &&
         !path.starts_with("/SYSV") && !path.starts_with("/dev/zero");
}

Held held_by(const Facts& facts, ProcessIndex p) {
  Held held;
  const auto rows = facts.now.tables.rows_of(p);
  for (std::uint32_t d = rows.first; d < rows.last; ++d) {
    const Descriptor& row = facts.now.survey.descriptors[d];
    if (!row.unlinked || row.kind != Kind::kFile) continue;
    if (!on_disk(facts.now.survey.texts.at(row.name))) continue;
    // One open file counts once, for its first holder.
    const auto sharers = facts.now.sharing.holders_of(DescriptorIndex{d});
    if (sharers.size() > 1 && sharers.front() != DescriptorIndex{d}) continue;
    ++held.files;
    held.bytes += held_back(row);
    if (!held.largest || held_back(row) > held_back(facts.now.row(*held.largest))) {
      held.largest = DescriptorIndex{d};
    }
  }
  return held;
}

}  // namespace

void find_deleted_file_held(const Facts& facts, std::vector<Finding>& found) {
  const Survey& survey = facts.now.survey;
  for (std::uint32_t p = 0; p < survey.processes.size(); ++p) {
    const ProcessIndex index{p};
    const Tracked* tracked = facts.tracked(index);
    if (tracked == nullptr || tracked->counts[place_of(Measure::kUnlinked)] == 0) continue;
    const Held held = held_by(facts, index);
    if (!held.largest) continue;
    const Trend trend = facts.observation.trend(*tracked, Measure::kUnlinked, kLeastRise);
    const auto sites = growing_sites(facts, facts.process(index).key.pid, Kind::kFile);
    // A trace is sure earlier than counting; then most files must be such ones.
    const bool mostly = 2 * held.files > tracked->counts[place_of(measure_of(Kind::kFile))];
    const bool traced =
        !sites.empty() && survivors(*sites.front()) >= kLeastRise && mostly && trend.rise > 0;
    const bool grows = (trend.rises() || traced) && facts.earlier(index);
    if (held.bytes < kManyBytes && !grows) continue;
    const std::string who = name_with_pid(survey, index);
    Finding finding;
    finding.id = id::kDeletedFileHeld;
    finding.subject = subject_of(survey, index);
    finding.severity = Severity::kWarning;
    finding.confidence = grows ? 0.9 : 0.8;
    finding.measure = Measure::kUnlinked;
    finding.weight = held.files;
    finding.series = facts.observation.series(*tracked, Measure::kUnlinked);
    // What was written a moment ago has no blocks yet.
    finding.summary =
        fmt::format("{} holds {} without a name{}{}", who, counted(held.files, "file", "files"),
                    held.bytes == 0 ? "" : ", " + human_size(held.bytes) + " of disk",
                    grows ? ", " + rate_text(trend.per_second) : std::string());
    const Descriptor& largest = facts.now.row(*held.largest);
    finding.evidence.push_back(
        {"largest", fmt::format("fd {} {}, {}", number(largest.fd), survey.texts.at(largest.name),
                                human_size(held_back(largest)))});
    if (!sites.empty()) add_site(facts, *sites.front(), finding);
    const Frame* guilty = guilty_frame(finding.stack);
    finding.whose_move = who;
    finding.remedy =
        fmt::format("{} must close them; until {} does, or ends, the space is gone",
                    guilty == nullptr ? who : frame_text(*guilty), guilty == nullptr ? "it" : who);
    found.push_back(std::move(finding));
  }
}

}  // namespace plumb::detect
