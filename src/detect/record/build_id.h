// SPDX-License-Identifier: Apache-2.0
// BuildId: the name that the linker gives to one build of one binary (ELF note NT_GNU_BUILD_ID). It
// stays in recordings, so that names can be looked up later and elsewhere.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace plumb::detect {

class BuildId {
 public:
  // Linkers write 8 (fast hash), 16 (MD5, UUID), 20 (SHA-1) or 32 bytes; longer ones are cut.
  static constexpr std::size_t kCapacity = 32;

  BuildId() = default;  // no build id: the file has none, or it could not be read
  explicit BuildId(std::span<const std::byte> bytes) noexcept
      : size_(static_cast<std::uint8_t>(std::min(bytes.size(), kCapacity))) {
    std::copy_n(bytes.begin(), size_, bytes_.begin());
  }

  bool empty() const noexcept { return size_ == 0; }
  std::span<const std::byte> bytes() const noexcept { return {bytes_.data(), size_}; }

  // Lower-case hexadecimal digits, as `file` and `readelf -n` print it; empty for none.
  std::string hex() const {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    text.reserve(2 * std::size_t{size_});
    for (const std::byte byte : bytes()) {
      text += kDigits[std::to_integer<unsigned>(byte) >> 4U];
      text += kDigits[std::to_integer<unsigned>(byte) & 15U];
    }
    return text;
  }

  friend auto operator<=>(const BuildId&, const BuildId&) = default;

 private:
  std::array<std::byte, kCapacity> bytes_{};
  std::uint8_t size_ = 0;
};

}  // namespace plumb::detect
