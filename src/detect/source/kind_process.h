// SPDX-License-Identifier: Apache-2.0
// What is left of child processes, by /proc. Threads are not asked about: while a process is killed
// its threads go before it does, and what it left would pass for what ended.
#pragma once

#include <span>

#include "detect/source/resource_checks.h"

namespace plumb::detect {

// Whether each is still a child of the process, running or ended.
bool check_children(Pid process, std::span<CheckedResource> rows);

}  // namespace plumb::detect
