// SPDX-License-Identifier: Apache-2.0
// Which finding can be there because of which other one: the rules of the chain.
#pragma once

#include <vector>

#include "detect/finding/finding.h"

namespace plumb::detect {

// Fills Finding::causes, without rings. A cause that by itself would be worth no more than a note
// gets the severity of its effect.
void link_causes(std::vector<Finding>& findings);

}  // namespace plumb::detect
