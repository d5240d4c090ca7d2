// SPDX-License-Identifier: Apache-2.0
// From selectors on the command line to processes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plumb/base/ids.h"

namespace plumb::app {

// The processes that the selectors name; of a port or a path its holders. Nothing where one names
// none: said, and the status is kUsage.
std::optional<std::vector<Pid>> choose_processes(const std::vector<std::string>& selectors);

}  // namespace plumb::app
