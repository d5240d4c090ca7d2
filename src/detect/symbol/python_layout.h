// SPDX-License-Identifier: Apache-2.0
// The layouts of CPython that plumb knows.
#pragma once

#include <cstdint>
#include <optional>

#include "detect/record/python_stack.h"

namespace plumb::detect {

// The layout of a version as Py_Version has it (0x030b02f0 is 3.11.2); nothing for versions other
// than 3.11.
std::optional<PythonLayout> python_layout(std::uint64_t version) noexcept;

}  // namespace plumb::detect
