// SPDX-License-Identifier: Apache-2.0
// Which bytes a Range field asks for.
#include "byte_ranges.h"

#include <algorithm>
#include <optional>

#include "plumb/base/text.h"
#include "plumb/http/field_text.h"

namespace plumb::runtime {
namespace {

constexpr std::size_t kMostRanges = 16;

// One range of the list. Nothing and `broken`: no range at all; nothing else: outside the length.
std::optional<ByteRange> range_of(std::string_view text, std::uint64_t length, bool& broken) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) {
    broken = true;
    return std::nullopt;
  }
  const std::string_view first_text = text.substr(0, dash);
  const std::string_view last_text = text.substr(dash + 1);
  const auto first = parse_number<std::uint64_t>(first_text);
  const auto last = parse_number<std::uint64_t>(last_text);
  if ((!first && !first_text.empty()) || (!last && !last_text.empty()) || (!first && !last) ||
      (first && last && *last < *first)) {
    broken = true;
    return std::nullopt;
  }
  if (!first) {  // the last bytes
    const std::uint64_t count = std::min(*last, length);
    if (count == 0) return std::nullopt;
    return ByteRange{length - count, count};
  }
  if (*first >= length) return std::nullopt;
  const std::uint64_t end = last ? std::min(*last, length - 1) : length - 1;
  return ByteRange{*first, end - *first + 1};
}

// Whether the two are one when taken together.
bool touch(const ByteRange& a, const ByteRange& b) {
  return a.first <= b.first + b.count && b.first <= a.first + a.count;
}

void unite(std::vector<ByteRange>& ranges, ByteRange range) {
  for (auto it = ranges.begin(); it != ranges.end();) {
    if (!touch(*it, range)) {
      ++it;
      continue;
    }
    const std::uint64_t end = std::max(it->first + it->count, range.first + range.count);
    range.first = std::min(it->first, range.first);
    range.count = end - range.first;
    it = ranges.erase(it);
  }
  ranges.push_back(range);
}

}  // namespace

RangeVerdict judge_range(std::string_view value, std::uint64_t length) {
  RangeVerdict verdict;
  if (value.size() < 6 || !http::same_ignoring_case(value.substr(0, 6), "bytes=")) return verdict;
  std::string_view list = value.substr(6);
  std::string_view element;
  std::size_t count = 0;
  while (http::take_element(list, element)) {
    if (element.empty()) continue;
    bool broken = false;
    const auto range = range_of(element, length, broken);
    if (broken || ++count > kMostRanges) return {};
    if (range) unite(verdict.ranges, *range);
  }
  if (count == 0) return verdict;
  verdict.what =
      verdict.ranges.empty() ? RangeVerdict::What::kUnsatisfiable : RangeVerdict::What::kRanges;
  return verdict;
}

std::string content_range(const ByteRange& range, std::uint64_t length) {
  return "bytes " + std::to_string(range.first) + "-" +
         std::to_string(range.first + range.count - 1) + "/" + std::to_string(length);
}

}  // namespace plumb::runtime
