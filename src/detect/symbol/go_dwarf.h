// SPDX-License-Identifier: Apache-2.0
// The layout of runtime.g from the binary's own debug information, which is right for any version
// of Go, also for one that was changed locally.
#pragma once

#include <optional>

#include "detect/symbol/go_layout.h"
#include "detect/symbol/image.h"

namespace plumb::detect {

// Nothing for files without DWARF, or where one of the fields has another name. Bounded by a second
// and by a million entries.
std::optional<GoLayout> read_go_layout(const FileImage& file);

}  // namespace plumb::detect
