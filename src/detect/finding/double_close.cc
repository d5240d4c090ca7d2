// SPDX-License-Identifier: Apache-2.0
// double-close: a number is closed that was closed already (EBADF). Alone that is harmless; with a
// second thread the number may be another's by then, who loses what it has just opened.
#include <fmt/format.h>

#include "detect/finding/contested.h"
#include "detect/finding/kinds.h"

namespace plumb::detect {

void find_double_close(const Facts& facts, std::vector<Finding>& found) {
  if (facts.contested == nullptr) return;
  for (const Contested& one : *facts.contested) {
    if (one.used) continue;
    Finding finding = finding_of(facts, id::kDoubleClose, one, Severity::kWarning);
    const std::string guilty = place_text(one.again);
    finding.closer = one.again;
    finding.summary = fmt::format("{} closes descriptors twice: {}", finding.whose_move, guilty);
    finding.remedy = fmt::format(
        "{} must forget a number once it is closed: another thread may have it by then", guilty);
    found.push_back(std::move(finding));
  }
}

}  // namespace plumb::detect
