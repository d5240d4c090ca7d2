// SPDX-License-Identifier: Apache-2.0
// Strong types for the numbers that name things. A scoped enumeration with a fixed underlying type
// compares, orders and hashes, costs nothing, and does not turn into another number by itself.
#pragma once

#include <cstdint>
#include <type_traits>

namespace plumb {

enum class Pid : std::int32_t {};  // process (thread group) number in the reader's pid namespace
enum class Tid : std::int32_t {};  // thread number, same namespace
enum class Fd : std::int32_t {};   // descriptor number within a process
enum class Uid : std::uint32_t {};

// The plain number of a strong type, for printing and for system calls.
template <typename Enum>
constexpr auto number(Enum value) noexcept {
  static_assert(std::is_enum_v<Enum>);
  return static_cast<std::underlying_type_t<Enum>>(value);
}

}  // namespace plumb
