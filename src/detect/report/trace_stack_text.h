// SPDX-License-Identifier: Apache-2.0
// Stacks for people: the program's own frames stand out, columns line up.
#pragma once

#include <string>

#include "detect/record/stack_store.h"
#include "detect/report/terminal.h"

namespace plumb::detect {

// A stack in short: its own frames, innermost first, at most three and as many as `width` cells
// hold: "read ← serve ← main".
std::string origin_in_short(const StackStore& stacks, StackNode stack, std::size_t width);

// A stack, a frame a line, the own ones marked. `cut`: it goes deeper than was followed.
void append_stack(std::string& out, const Paper& paper, const StackStore& stacks, StackNode stack,
                  bool cut);

}  // namespace plumb::detect
