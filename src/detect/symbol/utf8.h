// SPDX-License-Identifier: Apache-2.0
// Writing of one Unicode code point as UTF-8 (RFC 3629).
#pragma once

#include <cstdint>
#include <string>

namespace plumb::detect {

// False, and nothing written, for surrogates, controls and numbers beyond U+10FFFF.
inline bool append_utf8(std::uint32_t point, std::string& into) {
  if (point < 0x20 || point == 0x7f || (point >= 0xd800 && point < 0xe000) || point > 0x10ffff) {
    return false;
  }
  const auto tail = [&into, point](unsigned shift) {
    into += static_cast<char>(0x80U | (point >> shift & 0x3fU));
  };
  if (point < 0x80) {
    into += static_cast<char>(point);
  } else if (point < 0x800) {
    into += static_cast<char>(0xc0U | point >> 6U);
    tail(0);
  } else if (point < 0x10000) {
    into += static_cast<char>(0xe0U | point >> 12U);
    tail(6);
    tail(0);
  } else {
    into += static_cast<char>(0xf0U | point >> 18U);
    tail(12);
    tail(6);
    tail(0);
  }
  return true;
}

}  // namespace plumb::detect
