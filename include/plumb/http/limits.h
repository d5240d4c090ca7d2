// SPDX-License-Identifier: Apache-2.0
// What one message may cost. Every limit is on by default and has a fault of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace plumb::http {

// For a body whose bytes are passed on and not kept, as in a proxy.
inline constexpr std::uint64_t kNoBodyLimit = std::numeric_limits<std::uint64_t>::max();

// All sizes are in bytes and count the line's CRLF. A line counts against the head's limit too;
// whichever limit is met first names the fault.
struct Limits {
  std::uint32_t start_line = 8 * 1024;    // kStartLineTooLong
  std::uint32_t field_line = 8 * 1024;    // kFieldLineTooLong
  std::uint32_t fields = 100;             // kTooManyFields, in a head and in a trailer section
  std::uint32_t head = 32 * 1024;         // kHeadTooLarge
  std::uint32_t chunk_line = 1024;        // kChunkLineTooLong: size and extensions
  std::uint32_t trailer = 8 * 1024;       // kTrailerTooLarge
  std::uint32_t interim = 32;             // kTooManyInterim: 1xx responses before the final one
  std::uint64_t body = 64 * 1024 * 1024;  // kBodyTooLarge: content, without chunk framing
};

}  // namespace plumb::http
