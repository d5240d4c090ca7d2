// SPDX-License-Identifier: Apache-2.0
// The Range field (RFC 9110 section 14), as a pure function of its value and the length of what it
// asks for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace plumb::runtime {

struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t count = 0;

  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

struct RangeVerdict {
  enum class What : std::uint8_t {
    kWhole,          // no range that we must honour: answer with everything
    kRanges,         // `ranges`, in the order asked for, those that touch or overlap made one
    kUnsatisfiable,  // 416
  };
  What what = What::kWhole;
  std::vector<ByteRange> ranges;
};

// Many small or overlapping ranges are an attack on bandwidth (section 14.2 allows to ignore
// them): more than 16 are answered with everything.
RangeVerdict judge_range(std::string_view value, std::uint64_t length);

// "bytes 0-9/100".
std::string content_range(const ByteRange& range, std::uint64_t length);

}  // namespace plumb::runtime
