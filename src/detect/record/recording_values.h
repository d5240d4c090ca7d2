// SPDX-License-Identifier: Apache-2.0
// How a fact's value stands in a column: as an integer, or as bytes. Reading refuses what no
// recorder writes, so that the models never meet it.
#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>

#include "detect/record/frame.h"
#include "detect/record/kind.h"
#include "detect/record/process.h"
#include "detect/record/resource_kind.h"
#include "detect/record/socket.h"
#include "plumb/base/clock.h"
#include "plumb/base/ids.h"

namespace plumb::detect {

// Times since boot and durations: below 18 years, so that sums of some stay within 63 bits.
inline constexpr std::int64_t kLatest = std::int64_t{1} << 59U;

// The greatest value of an enumeration that has one; others are numbers of any size.
template <typename Enum>
inline constexpr auto kMostOf = std::numeric_limits<std::underlying_type_t<Enum>>::max();
template <>
inline constexpr auto kMostOf<FrameKind> = number(FrameKind::kPython);
template <>
inline constexpr auto kMostOf<SocketState> = number(SocketState::kNewSynRecv);

template <typename T>
struct IsDuration : std::false_type {};
template <typename Rep, typename Period>
struct IsDuration<std::chrono::duration<Rep, Period>> : std::true_type {};

template <typename T>
std::int64_t to_integer(T value) {
  if constexpr (std::is_same_v<T, BootTime>) {
    return value.time_since_epoch().count();
  } else if constexpr (IsDuration<T>::value) {
    return value.count();
  } else {
    return static_cast<std::int64_t>(value);  // the same bits, also of 64 without a sign
  }
}

// False where the integer is none of T's.
template <typename T>
bool from_integer(std::int64_t integer, T& value) {
  if constexpr (std::is_same_v<T, BootTime>) {
    value = BootTime(std::chrono::nanoseconds(integer));
    return integer >= 0 && integer < kLatest;
  } else if constexpr (IsDuration<T>::value) {
    value = T(integer);
    return integer > -kLatest && integer < kLatest;
  } else if constexpr (std::is_same_v<T, Kind>) {
    value = static_cast<Kind>(integer);
    if (integer < 0 || integer > std::numeric_limits<std::uint8_t>::max()) return false;
    const auto descriptors = all_kinds();
    return resource_kind(value) != nullptr ||
           std::ranges::find(descriptors, value) != descriptors.end();
  } else if constexpr (std::is_enum_v<T>) {
    std::underlying_type_t<T> plain{};
    const bool fits = from_integer(integer, plain);
    value = static_cast<T>(plain);
    return fits && plain <= kMostOf<T>;
  } else if constexpr (std::is_same_v<T, bool>) {
    value = integer != 0;
    return integer == 0 || integer == 1;
  } else {
    static_assert(std::integral<T>);
    value = static_cast<T>(integer);
    return static_cast<std::int64_t>(value) == integer;
  }
}

}  // namespace plumb::detect
