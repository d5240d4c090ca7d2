// SPDX-License-Identifier: Apache-2.0
// What somebody may have meant, behind a complaint.
#pragma once

#include <string>
#include <vector>

namespace plumb::app {

// "; did you mean NAME, NAME"; empty where there are none. Names may come from strangers.
std::string did_you_mean(const std::vector<std::string>& names);

}  // namespace plumb::app
