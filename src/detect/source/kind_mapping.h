// SPDX-License-Identifier: Apache-2.0
// What is left of memory mappings. Neighbours in one process's map may be merged, and one mapping
// may be cut into many by mprotect(2), so that rows are compared with what is covered.
#pragma once

#include <span>
#include <string_view>

#include "detect/source/resource_checks.h"

namespace plumb::detect {

// Reads /proc/PID/maps, at most 16 MiB of it; a longer one is not concluded from.
bool check_mappings(Pid process, std::span<CheckedResource> rows);

// The same with the map's text. A row ends where the next one begins: what was cut off its end and
// mapped anew is the newer one's. Lines that are none are skipped. Pure.
void compare_mappings(std::string_view maps, std::span<CheckedResource> rows);

}  // namespace plumb::detect
