// SPDX-License-Identifier: Apache-2.0
// The beginning of findings about piles.
#include "detect/finding/piles.h"

#include "detect/finding/sites.h"
#include "detect/finding/wording.h"

namespace plumb::detect {

std::string PileGrowth::text() const {
  return grows ? ", " + rate_text(trend.per_second) : std::string();
}

PileGrowth growth_of_pile(const Facts& facts, ProcessIndex process, Measure measure,
                          std::uint64_t now) {
  PileGrowth growth;
  growth.trend = facts.observation.trend(*facts.tracked(process), measure, kLeastPileRise);
  growth.grows = growth.trend.rises() && now >= kLeastPileRise;
  return growth;
}

Finding finding_of_pile(const Facts& facts, std::string_view id, ProcessIndex process,
                        Measure measure, const PileGrowth& growth, std::uint64_t all,
                        std::uint64_t lasting, double sure) {
  constexpr std::uint64_t kMany = 10;
  Finding finding;
  finding.id = id;
  finding.subject = subject_of(facts.now.survey, process);
  finding.severity = growth.grows || lasting >= kMany ? Severity::kWarning : Severity::kInfo;
  finding.confidence = growth.grows ? 0.95 : sure;
  finding.measure = measure;
  finding.weight = all;
  finding.series = facts.observation.series(*facts.tracked(process), measure);
  finding.whose_move = name_with_pid(facts.now.survey, process);
  return finding;
}

std::string add_maker(const Facts& facts, ProcessIndex process, Finding& finding) {
  const auto sites = growing_sites(facts, facts.process(process).key.pid, Kind::kTcp);
  if (!sites.empty()) add_site(facts, *sites.front(), finding);
  const Frame* guilty = guilty_frame(finding.stack);
  return guilty == nullptr ? finding.whose_move : frame_text(*guilty);
}

}  // namespace plumb::detect
