// SPDX-License-Identifier: Apache-2.0
// What is left of threads and of child processes, by /proc.
#pragma once

#include <span>

#include "detect/source/resource_checks.h"

namespace plumb::detect {

// The process's threads now.
bool check_threads(Pid process, std::span<CheckedResource> rows);
// Whether each is still a child of the process, running or ended.
bool check_children(Pid process, std::span<CheckedResource> rows);

}  // namespace plumb::detect
