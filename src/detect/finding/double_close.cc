// SPDX-License-Identifier: Apache-2.0
// double-close: a number is closed that was closed already (EBADF). Alone that is harmless; with a
// second thread the number may be another's by then, who loses what it has just opened.
#include <fmt/format.h>

#include "detect/finding/contested.h"
#include "detect/finding/kinds.h"
#include "detect/finding/wording.h"

namespace plumb::detect {

void find_double_close(const Facts& facts, std::vector<Finding>& found) {
  for (const Contested& one : contested_closes(facts)) {
    if (one.stolen) continue;
    const bool few = one.times < kFewContested;
    const std::string who = name_with_pid(facts.now.survey, one.process);
    const std::string guilty = place_text(one.again);
    Finding finding;
    finding.id = id::kDoubleClose;
    finding.subject = subject_of(facts.now.survey, one.process);
    finding.severity = few ? Severity::kInfo : Severity::kWarning;
    finding.confidence = few ? 0.7 : 0.92;
    finding.weight = one.times;
    finding.stack = one.opener;
    finding.closer = one.again;
    finding.summary = fmt::format("{} closes descriptors twice: {}", who, guilty);
    add_places(one, finding);
    finding.whose_move = who;
    finding.remedy = fmt::format(
        "{} must forget a number once it is closed: another thread may have it by then", guilty);
    found.push_back(std::move(finding));
  }
}

}  // namespace plumb::detect
