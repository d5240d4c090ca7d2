// SPDX-License-Identifier: Apache-2.0
// Walking of a CPython location table.
#include "detect/symbol/python_lines.h"

#include "detect/symbol/byte_reader.h"

namespace plumb::detect {
namespace {

constexpr unsigned kFirstOneLine = 10;  // 10, 11, 12: the line moves by 0, 1, 2
constexpr unsigned kNoColumns = 13;
constexpr unsigned kLong = 14;
constexpr unsigned kNoLocation = 15;

// Six bits a byte, lowest first; bit 6 says that more follow.
std::uint64_t varint(ByteReader& reader) noexcept {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 36; shift += 6) {
    const auto byte = reader.read<std::uint8_t>();
    value |= std::uint64_t{byte & 0x3fU} << shift;
    if ((byte & 0x40U) == 0) break;
  }
  return value;
}

std::int64_t signed_varint(ByteReader& reader) noexcept {
  const std::uint64_t value = varint(reader);
  const auto magnitude = static_cast<std::int64_t>(value >> 1U);
  return (value & 1U) != 0 ? -magnitude : magnitude;
}

}  // namespace

std::optional<std::uint32_t> python_line(std::span<const std::byte> table, std::uint32_t first_line,
                                         std::uint64_t unit) noexcept {
  std::int64_t line = first_line;
  std::uint64_t upto = 0;
  for (ByteReader reader(table); !reader.at_end();) {
    const auto head = reader.read<std::uint8_t>();
    const unsigned kind = head >> 3U & 15U;
    upto += (head & 7U) + 1;
    if (kind == kLong) {
      line += signed_varint(reader);
      varint(reader);  // end line
      varint(reader);  // columns
      varint(reader);
    } else if (kind == kNoColumns) {
      line += signed_varint(reader);
    } else if (kind >= kFirstOneLine && kind < kNoColumns) {
      line += kind - kFirstOneLine;
      reader.skip(2);
    } else if (kind < kFirstOneLine) {
      reader.skip(1);
    }
    if (!reader.ok()) return std::nullopt;
    if (unit >= upto) continue;
    if (kind == kNoLocation || line <= 0 || line > 0x7fffffff) return std::nullopt;
    return static_cast<std::uint32_t>(line);
  }
  return std::nullopt;
}

}  // namespace plumb::detect
