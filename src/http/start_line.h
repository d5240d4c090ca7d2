// SPDX-License-Identifier: Apache-2.0
// What request lines and status lines share: the version and the end of the line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "plumb/http/fault.h"
#include "plumb/http/framing.h"

namespace plumb::http {

enum class Piece : std::uint8_t { kMore, kGood, kBad };

// "HTTP/" DIGIT "." DIGIT at `at`. The digits are judged by version_of().
inline Piece read_version(const char* at, const char* end, Fault& fault) {
  constexpr std::string_view kShape = "HTTP/0.0";
  constexpr std::string_view kUsual = "HTTP/1.1";
  if (end - at >= 8 && std::string_view(at, kUsual.size()) == kUsual) return Piece::kGood;
  for (std::size_t i = 0; i < kShape.size(); ++i, ++at) {
    if (at == end) return Piece::kMore;
    if (kShape[i] == '0' ? (*at >= '0' && *at <= '9') : *at == kShape[i]) continue;
    const bool line_ends = *at == '\r' || *at == '\n';
    fault = i == 0 || line_ends ? Fault::kBadStartLine : Fault::kBadVersion;
    return Piece::kBad;
  }
  return Piece::kGood;
}

// RFC 9110 section 2.5: a higher minor version of a known major one is processed as the highest
// that we know. False: another major version.
inline bool version_of(const char* version, Version& result) {
  result = version[7] == '0' ? Version::kHttp10 : Version::kHttp11;
  return version[5] == '1';
}

inline Piece read_crlf(const char* at, const char* end, Fault otherwise, Fault& fault) {
  if (at == end) return Piece::kMore;
  if (*at == '\n')
    fault = Fault::kBareLf;
  else if (*at != '\r')
    fault = otherwise;
  else if (at + 1 == end)
    return Piece::kMore;
  else if (at[1] != '\n')
    fault = Fault::kBareCr;
  else
    return Piece::kGood;
  return Piece::kBad;
}

}  // namespace plumb::http
