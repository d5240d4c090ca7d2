// SPDX-License-Identifier: Apache-2.0
// Line numbers of CPython 3.11 code: the location table co_linetable (CPython,
// Objects/locations.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace plumb::detect {

// The line of the code unit with this index (two bytes a unit); nothing where the table gives none.
std::optional<std::uint32_t> python_line(std::span<const std::byte> table, std::uint32_t first_line,
                                         std::uint64_t unit) noexcept;

}  // namespace plumb::detect
