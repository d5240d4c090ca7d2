// SPDX-License-Identifier: Apache-2.0
// StackCopy: the bytes of a user stack as a tracer copied them, addressed as the target does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "detect/record/address.h"

namespace plumb::detect {

// A view: the bytes belong to the caller.
class StackCopy {
 public:
  StackCopy(Address start, std::span<const std::byte> bytes) noexcept
      : start_(start), bytes_(bytes) {}

  // The eight bytes at `address`, or nothing when they are not all in the copy.
  std::optional<std::uint64_t> word(std::uint64_t address) const noexcept {
    const std::uint64_t into = address - number(start_);
    if (into >= bytes_.size() || bytes_.size() - into < sizeof(std::uint64_t)) return std::nullopt;
    std::uint64_t value = 0;
    std::memcpy(&value, bytes_.data() + into, sizeof(value));
    return value;
  }

  Address start() const noexcept { return start_; }
  Address end() const noexcept { return start_ + bytes_.size(); }

 private:
  Address start_;
  std::span<const std::byte> bytes_;
};

}  // namespace plumb::detect
