// SPDX-License-Identifier: Apache-2.0
// Frames of Go code as the rest of plumb knows frames.
#pragma once

#include <vector>

#include "detect/record/frame.h"
#include "detect/symbol/module.h"

namespace plumb::detect {

struct NamedGoFrame {
  Frame frame;
  bool wrapper = false;  // see GoFrame
};

// The frames at an address, innermost first: inlined calls, then the function that they are in.
// None where the module has no Go code there.
std::vector<NamedGoFrame> go_frames(const Module& module, ElfAddress address);

}  // namespace plumb::detect
