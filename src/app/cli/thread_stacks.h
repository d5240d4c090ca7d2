// SPDX-License-Identifier: Apache-2.0
// Where the threads of a process sleep, down to their first function: read from outside, without
// stopping them. What pile up are the newest.
#pragma once

#include <cstddef>
#include <optional>

#include "detect/finding/facts.h"

namespace plumb::app {

// How many threads a process has, by /proc; 0 where it is gone.
std::size_t count_threads(Pid process);

// The stack that most of the newest threads share. Nothing where they run, or may not be read.
std::optional<detect::ThreadStackFacts> usual_stack_of_newest(Pid process);

}  // namespace plumb::app
