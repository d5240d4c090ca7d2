// SPDX-License-Identifier: Apache-2.0
// UTF-8, strictly (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. And which
// characters may not reach a reader as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace plumb::detect {

struct CodePoint {
  char32_t value = 0;
  std::size_t length = 0;  // bytes; 0: the text begins with no valid character
};

// The first character of a text that is not empty.
CodePoint decode_utf8(std::string_view text);

// Controls (C0, DEL, C1), line and paragraph separators, and what is invisible or turns the line
// around: zero-width characters, bidirectional marks, embeddings, overrides and isolates (Unicode
// TR 36, "Bidirectional Text Spoofing"), tags. An agent of confusion in a file name, a plain
// nuisance anywhere.
bool is_unprintable(char32_t c);

// How many cells of a terminal it takes: 0 for combining marks, 2 for wide East Asian characters
// and emoji, else 1.
std::size_t cells_of(char32_t c);

// How many leading bytes are printable ASCII, which every fast path is for.
inline std::size_t plain_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && text[at] >= ' ' && text[at] < 0x7f) ++at;
  return at;
}

}  // namespace plumb::detect
