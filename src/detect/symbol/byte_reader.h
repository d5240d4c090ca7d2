// SPDX-License-Identifier: Apache-2.0
// ByteReader: a cursor over untrusted little-endian bytes. A read past the end yields zero and
// marks the reader as failed for good, so that a parser may read a whole record and ask once.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace plumb::detect {

static_assert(std::endian::native == std::endian::little, "formats are read in place");

class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes, std::size_t position = 0) noexcept
      : bytes_(bytes), position_(position), failed_(position > bytes.size()) {}

  bool ok() const noexcept { return !failed_; }
  bool at_end() const noexcept { return failed_ || position_ == bytes_.size(); }
  std::size_t position() const noexcept { return position_; }
  std::size_t remaining() const noexcept { return failed_ ? 0 : bytes_.size() - position_; }

  // The next value of a trivially copyable type.
  template <typename T>
  T read() noexcept {
    static_assert(std::is_trivially_copyable_v<T>);
    T value{};
    if (remaining() < sizeof(T)) {
      failed_ = true;
      return value;
    }
    std::memcpy(&value, bytes_.data() + position_, sizeof(T));
    position_ += sizeof(T);
    return value;
  }

  // The next `size` bytes; empty (and failed) when there are fewer.
  std::span<const std::byte> take(std::size_t size) noexcept {
    if (remaining() < size) {
      failed_ = true;
      return {};
    }
    const auto taken = bytes_.subspan(position_, size);
    position_ += size;
    return taken;
  }

  void skip(std::size_t size) noexcept { take(size); }

  void seek(std::size_t position) noexcept {
    if (position > bytes_.size()) failed_ = true;
    position_ = position;
  }

  // LEB128 (DWARF 5, section 7.6). Bits beyond the 64th are dropped, more than ten bytes fail.
  std::uint64_t uleb() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
      const auto byte = read<std::uint8_t>();
      if (shift < 64) value |= std::uint64_t{byte & 0x7fU} << shift;
      if ((byte & 0x80U) == 0) return value;
    }
    failed_ = true;
    return 0;
  }

  std::int64_t sleb() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
      const auto byte = read<std::uint8_t>();
      if (shift < 64) value |= std::uint64_t{byte & 0x7fU} << shift;
      if ((byte & 0x80U) == 0) {
        if ((byte & 0x40U) != 0 && shift < 57) value |= ~std::uint64_t{0} << (shift + 7);
        return static_cast<std::int64_t>(value);
      }
    }
    failed_ = true;
    return 0;
  }

  // Text up to a NUL, which is consumed; fails where there is none.
  // Longer than 64 KiB fails too: tables of millions of names that never end must not cost a walk
  // through the whole table for each.
  static constexpr std::size_t kLongestText = 64U << 10U;
  std::string_view c_string() noexcept {
    const std::size_t left = std::min(remaining(), kLongestText);
    if (left == 0) {
      failed_ = true;
      return {};
    }
    const char* start = reinterpret_cast<const char*>(bytes_.data() + position_);
    const void* end = std::memchr(start, 0, left);
    if (end == nullptr) {
      failed_ = true;
      return {};
    }
    const auto length = static_cast<std::size_t>(static_cast<const char*>(end) - start);
    position_ += length + 1;
    return {start, length};
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t position_;
  bool failed_;
};

}  // namespace plumb::detect
