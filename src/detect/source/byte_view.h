// SPDX-License-Identifier: Apache-2.0
// Bounded reading of the kernel's binary answers: nothing is read beyond the end, whatever the
// lengths in the bytes claim.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace plumb::detect {

using Bytes = std::span<const std::byte>;

// The T at the front of `bytes`; nothing where it is cut. T is one of the kernel's plain structs.
template <typename T>
std::optional<T> struct_at_front(Bytes bytes) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (bytes.size() < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

// As much of the T as there is, the rest zero: the kernel's structs grow at their end.
template <typename T>
T struct_prefix(Bytes bytes) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value{};
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

// The attributes (rtnetlink(7), struct nlattr) that follow the first `head` bytes of a message:
// calls visit(type, value) for each that is whole.
template <typename Visit>
void for_each_attribute(Bytes message, std::size_t head, Visit visit) {
  constexpr std::size_t kHead = 4, kAlign = 4;  // u16 length with the head, u16 type
  std::size_t at = (head + kAlign - 1) & ~(kAlign - 1);
  while (at + kHead <= message.size()) {
    std::uint16_t length = 0, type = 0;
    std::memcpy(&length, message.data() + at, sizeof length);
    std::memcpy(&type, message.data() + at + sizeof length, sizeof type);
    if (length < kHead || length > message.size() - at) return;
    visit(type, message.subspan(at + kHead, length - kHead));
    at += (length + kAlign - 1) & ~(kAlign - 1);
  }
}

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace plumb::detect
