// SPDX-License-Identifier: Apache-2.0
// Lists of kinds in options: "tcp,unix".
#pragma once

#include <string_view>
#include <vector>

#include "detect/record/kind.h"

namespace plumb::app {

// False where one is no kind: said, with the nearest.
bool read_kinds(std::string_view list, std::vector<detect::Kind>& kinds);

// The names of all kinds.
std::vector<std::string_view> kind_names();

}  // namespace plumb::app
