// SPDX-License-Identifier: Apache-2.0
// The two kinds of code address that plumb must never mix up: where a process has something, and
// where the linker put it.
#pragma once

#include <cstdint>

#include "plumb/base/ids.h"

namespace plumb::detect {

enum class Address : std::uint64_t {};     // in the address space of one process, now
enum class ElfAddress : std::uint64_t {};  // virtual address within an ELF file, before relocation

// Arithmetic wraps, as it does in the processor: a hostile file must not make it undefined.
constexpr Address operator+(Address address, std::uint64_t bytes) noexcept {
  return Address{number(address) + bytes};
}
constexpr Address operator-(Address address, std::uint64_t bytes) noexcept {
  return Address{number(address) - bytes};
}
constexpr ElfAddress operator+(ElfAddress address, std::uint64_t bytes) noexcept {
  return ElfAddress{number(address) + bytes};
}
constexpr ElfAddress operator-(ElfAddress address, std::uint64_t bytes) noexcept {
  return ElfAddress{number(address) - bytes};
}

}  // namespace plumb::detect
