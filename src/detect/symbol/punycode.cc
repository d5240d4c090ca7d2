// SPDX-License-Identifier: Apache-2.0
// Decoding of Punycode with the parameters of RFC 3492, section 5.
#include "detect/symbol/punycode.h"

#include <cstdint>
#include <vector>

#include "detect/symbol/utf8.h"

namespace plumb::detect {
namespace {

constexpr std::uint32_t kBase = 36, kLowest = 1, kHighest = 26, kSkew = 38, kDamp = 700;
constexpr std::uint32_t kFirstPoint = 0x80, kFirstBias = 72;
constexpr std::size_t kMostPoints = 128;

std::optional<std::uint32_t> digit_of(char letter) {
  if (letter >= 'a' && letter <= 'z') return static_cast<std::uint32_t>(letter - 'a');
  if (letter >= '0' && letter <= '9') return static_cast<std::uint32_t>(letter - '0' + 26);
  return std::nullopt;
}

std::uint32_t adapt(std::uint32_t delta, std::uint32_t points, bool first) {
  delta = first ? delta / kDamp : delta / 2;
  delta += delta / points;
  std::uint32_t k = 0;
  for (; delta > (kBase - kLowest) * kHighest / 2; k += kBase) delta /= kBase - kLowest;
  return k + (kBase - kLowest + 1) * delta / (delta + kSkew);
}

}  // namespace

std::optional<std::string> decode_punycode(std::string_view basic, std::string_view extended) {
  if (basic.size() > kMostPoints) return std::nullopt;
  std::vector<std::uint32_t> points(basic.begin(), basic.end());
  std::uint64_t insert_at = 0;
  std::uint64_t point = kFirstPoint;
  std::uint32_t bias = kFirstBias;
  while (!extended.empty()) {
    if (points.size() == kMostPoints) return std::nullopt;
    const std::uint64_t before = insert_at;
    std::uint64_t weight = 1;
    for (std::uint32_t k = kBase;; k += kBase) {
      if (extended.empty()) return std::nullopt;
      const auto digit = digit_of(extended.front());
      extended.remove_prefix(1);
      if (!digit) return std::nullopt;
      insert_at += *digit * weight;
      const std::uint32_t threshold =
          k <= bias ? kLowest : (k >= bias + kHighest ? kHighest : k - bias);
      if (*digit < threshold) break;
      weight *= kBase - threshold;
      if (insert_at > 0xffffffff || weight > 0xffffffff) return std::nullopt;
    }
    const auto count = static_cast<std::uint32_t>(points.size() + 1);
    bias = adapt(static_cast<std::uint32_t>(insert_at - before), count, before == 0);
    point += insert_at / count;
    insert_at %= count;
    if (point > 0x10ffff) return std::nullopt;
    points.insert(points.begin() + static_cast<std::ptrdiff_t>(insert_at),
                  static_cast<std::uint32_t>(point));
    ++insert_at;
  }
  std::string text;
  for (const std::uint32_t each : points) {
    if (!append_utf8(each, text)) return std::nullopt;
  }
  return text;
}

}  // namespace plumb::detect
