// SPDX-License-Identifier: Apache-2.0
// NamedFrame: a frame of a stack that is known better than by its address: a script's function.
#pragma once

#include <cstddef>

#include "detect/record/frame.h"

namespace plumb::detect {

struct NamedFrame {
  std::size_t index = 0;  // in the stack's addresses
  Frame frame;
};

}  // namespace plumb::detect
