// SPDX-License-Identifier: Apache-2.0
// Finding the first byte that a field value or a request target cannot have, 16 bytes at a time.
//
// SSE2 is part of every x86-64; elsewhere the scalar loop does it alone. AVX2 by dispatch was
// measured and does not pay: field values are 10 to 100 bytes, so most of them end within two
// steps.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "plumb/http/field_text.h"

namespace plumb::http::scan {

// RFC 9110 section 5.5: field-vchar, blank and tab. Bytes from 0x80 up are opaque text there.
constexpr bool is_value_byte(unsigned char c) noexcept {
  return (c >= 0x20 && c != 0x7f) || c == '\t';
}

// Printable ASCII but '#': a request target has no fragment (RFC 9112 section 3.2). Quotes, '|' and
// braces are let through, because browsers send them.
constexpr bool is_target_byte(unsigned char c) noexcept {
  return c > 0x20 && c < 0x7f && c != '#';
}

inline const char* value_end(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
  const __m128i last_control = _mm_set1_epi8(0x1f);
  const __m128i tab = _mm_set1_epi8('\t');
  const __m128i del = _mm_set1_epi8(0x7f);
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i control = _mm_cmpeq_epi8(_mm_max_epu8(bytes, last_control), last_control);
    const __m128i bad = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(bytes, tab), control),
                                     _mm_cmpeq_epi8(bytes, del));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(bad));
    if (mask != 0) return at + std::countr_zero(mask);
  }
#endif
  while (at != end && is_value_byte(static_cast<unsigned char>(*at))) ++at;
  return at;
}

inline const char* target_end(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
  const __m128i blank = _mm_set1_epi8(0x20);
  const __m128i del = _mm_set1_epi8(0x7f);
  const __m128i hash = _mm_set1_epi8('#');
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    // Signed: bytes from 0x80 up are negative and so not greater than the blank.
    const __m128i good =
        _mm_andnot_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, del), _mm_cmpeq_epi8(bytes, hash)),
                         _mm_cmpgt_epi8(bytes, blank));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(good)) ^ 0xffffU;
    if (mask != 0) return at + std::countr_zero(mask);
  }
#endif
  while (at != end && is_target_byte(static_cast<unsigned char>(*at))) ++at;
  return at;
}

inline const char* token_end(const char* at, const char* end) noexcept {
  while (at != end && is_token_byte(*at)) ++at;
  return at;
}

// As token_end, for field names: letters, digits and '-', of which nearly all consist, are passed
// over 16 bytes at a time, so that their length is not a branch that the processor has to guess.
inline const char* name_end(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
  const auto between = [](__m128i bytes, char first, char last) {
    return _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8(static_cast<char>(first - 1))),
                         _mm_cmplt_epi8(bytes, _mm_set1_epi8(static_cast<char>(last + 1))));
  };
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i letter = between(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z');
    const __m128i digit = between(bytes, '0', '9');
    const __m128i dash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-'));
    const __m128i usual = _mm_or_si128(_mm_or_si128(letter, digit), dash);
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(usual)) ^ 0xffffU;
    if (mask == 0) {
      at += 16;
      continue;
    }
    at += std::countr_zero(mask);
    if (!is_token_byte(*at)) return at;
    ++at;
  }
#endif
  return token_end(at, end);
}

}  // namespace plumb::http::scan
