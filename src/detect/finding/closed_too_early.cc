// SPDX-License-Identifier: Apache-2.0
// closed-too-early: a descriptor is closed by another thread than the one that has opened it and
// that still uses it: that one's own close fails. Mostly by a number that was kept after its close.
#include <fmt/format.h>

#include "detect/finding/contested.h"
#include "detect/finding/kinds.h"
#include "detect/finding/wording.h"

namespace plumb::detect {

void find_closed_too_early(const Facts& facts, std::vector<Finding>& found) {
  for (const Contested& one : contested_closes(facts)) {
    if (!one.stolen) continue;
    const bool few = one.times < kFewContested;
    const std::string who = name_with_pid(facts.now.survey, one.process);
    const std::string guilty = place_text(one.first);
    Finding finding;
    finding.id = id::kClosedTooEarly;
    finding.subject = subject_of(facts.now.survey, one.process);
    finding.severity = few ? Severity::kInfo : Severity::kCritical;
    finding.confidence = few ? 0.7 : 0.92;
    finding.weight = one.times;
    finding.stack = one.opener;
    finding.closer = one.first;
    finding.summary =
        fmt::format("{} loses descriptors that it still uses: {} closes them", who, guilty);
    add_places(one, finding);
    finding.whose_move = who;
    finding.remedy = fmt::format(
        "{} must forget a number once it has closed it: it is another's by now", guilty);
    found.push_back(std::move(finding));
  }
}

}  // namespace plumb::detect
