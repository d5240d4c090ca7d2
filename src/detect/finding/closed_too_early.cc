// SPDX-License-Identifier: Apache-2.0
// closed-too-early: a descriptor is closed while it is still used: by another thread than the one
// that has opened it, whose own close fails then, or before a read or write that fails. Mostly by a
// number that was kept after its close.
#include <fmt/format.h>

#include "detect/finding/contested.h"
#include "detect/finding/kinds.h"

namespace plumb::detect {

void find_closed_too_early(const Facts& facts, std::vector<Finding>& found) {
  if (facts.contested == nullptr) return;
  for (const Contested& one : *facts.contested) {
    if (!one.used) continue;
    Finding finding = finding_of(facts, id::kClosedTooEarly, one, Severity::kCritical);
    const std::string guilty = place_text(one.first);
    finding.closer = one.first;
    finding.summary = fmt::format("{} loses descriptors that it still uses: {} closes them",
                                  finding.whose_move, guilty);
    finding.remedy =
        one.first.empty()
            ? fmt::format("{} must not use a number after its close: it may be another's by then",
                          place_text(one.again))
            : fmt::format(
                  "{} must close a descriptor when nobody uses it any more, and forget its "
                  "number then: the next to open something gets it",
                  guilty);
    found.push_back(std::move(finding));
  }
}

}  // namespace plumb::detect
