// SPDX-License-Identifier: Apache-2.0
// A chunk's first line: size, extensions, CRLF (RFC 9112 section 7.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "plumb/http/fault.h"

namespace plumb::http {

struct ChunkLine {
  enum class Got : std::uint8_t { kMore, kLine, kFault };
  Got got = Got::kMore;
  Fault fault = Fault::kBadChunkSize;
  std::uint64_t size = 0;
  std::size_t next = 0;  // of the byte behind the CRLF
};

// Reads the line at the front of `input`. Extensions are checked and dropped.
ChunkLine read_chunk_line(std::string_view input) noexcept;

}  // namespace plumb::http
