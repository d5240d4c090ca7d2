// SPDX-License-Identifier: Apache-2.0
// From facts to findings, and from findings to a chain: which one is there because of which other.
#pragma once

#include <vector>

#include "detect/finding/facts.h"
#include "detect/finding/finding.h"
#include "detect/model/selector.h"

namespace plumb::detect {

struct Explanation {
  // Each effect before its causes; chains by severity, the one that matters most first. Indices in
  // Finding::causes are into this list.
  std::vector<Finding> findings;
  // Those that are nobody's cause.
  std::vector<FindingIndex> effects;

  const Finding& at(FindingIndex index) const { return findings[number(index)]; }
  // Whether anything is more than info.
  bool anything_wrong() const;
};

// What the table's functions find, linked; of the chosen processes, what is below them, and what
// they suffer from. Pure: equal facts give equal findings.
Explanation explain(const Facts& facts, const Selection& chosen);

}  // namespace plumb::detect
