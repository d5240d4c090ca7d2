// SPDX-License-Identifier: Apache-2.0
// Registers: the user registers that unwinding needs, by their DWARF number (System V AMD64 psABI,
// figure 3.36). A tracer that knows only ip, sp and bp sets only those.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace plumb::detect {

enum class Register : std::uint8_t {
  kRax,
  kRdx,
  kRcx,
  kRbx,
  kRsi,
  kRdi,
  kRbp,
  kRsp,
  kR8,
  kR9,
  kR10,
  kR11,
  kR12,
  kR13,
  kR14,
  kR15,
  kRip,  // the psABI's "return address" column
};

class Registers {
 public:
  static constexpr std::size_t kCount = 17;

  std::optional<std::uint64_t> get(Register which) const noexcept {
    return get(static_cast<std::size_t>(which));
  }
  std::optional<std::uint64_t> get(std::size_t dwarf_number) const noexcept {
    if (dwarf_number >= kCount || (known_ >> dwarf_number & 1U) == 0) return std::nullopt;
    return values_[dwarf_number];
  }
  void set(Register which, std::uint64_t value) noexcept {
    set(static_cast<std::size_t>(which), value);
  }
  void set(std::size_t dwarf_number, std::uint64_t value) noexcept {
    if (dwarf_number >= kCount) return;
    values_[dwarf_number] = value;
    known_ |= 1U << dwarf_number;
  }
  void forget(std::size_t dwarf_number) noexcept {
    if (dwarf_number < kCount) known_ &= ~(1U << dwarf_number);
  }

 private:
  std::array<std::uint64_t, kCount> values_{};
  std::uint32_t known_ = 0;  // one bit a register
};

}  // namespace plumb::detect
