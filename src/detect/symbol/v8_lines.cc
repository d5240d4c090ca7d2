// SPDX-License-Identifier: Apache-2.0
// Counting lines as JavaScript does (ECMA-262, 12.3).
#include "detect/symbol/v8_lines.h"

#include <algorithm>

namespace plumb::detect {
namespace {

constexpr std::size_t kAtATime = 256U << 10U;  // bytes

bool ends_line(char16_t character, char16_t next) {
  if (character == u'\r') return next != u'\n';
  return character == u'\n' || character == u'\u2028' || character == u'\u2029';
}

}  // namespace

void V8Lines::read_ends(Source& source) const {
  const std::size_t width = source.where.wide ? 2 : 1;
  const std::uint64_t bytes = source.where.length * width;
  std::vector<std::byte> piece;
  std::optional<char16_t> last;  // its successor decides
  std::uint32_t position = 0;
  for (std::uint64_t done = 0; done < bytes; done += piece.size()) {
    piece.resize(std::min<std::uint64_t>(kAtATime, bytes - done));
    if (heap_->read(source.where.at + done, piece) != piece.size()) return;
    for (std::size_t at = 0; at + width <= piece.size(); at += width, ++position) {
      auto character = static_cast<char16_t>(std::to_integer<std::uint16_t>(piece[at]));
      if (width == 2) {
        character =
            static_cast<char16_t>(character | std::to_integer<std::uint16_t>(piece[at + 1]) << 8U);
      }
      if (last && ends_line(*last, character)) source.ends.push_back(position - 1);
      last = character;
    }
    if (source.ends.size() > kMostEnds) return;
  }
  source.whole = true;
}

const V8Lines::Source& V8Lines::source(const V8Heap::Characters& where) {
  const auto known = std::ranges::find(sources_, where, &Source::where);
  if (known != sources_.end()) return *known;
  if (sources_.size() == kMostSources || ends_ > kMostEnds) {
    sources_.clear();
    ends_ = 0;
  }
  Source& added = sources_.emplace_back(Source{where, {}, false});
  if (where.length <= kLongestSource) read_ends(added);
  ends_ += added.ends.size();
  return added;
}

std::optional<std::uint32_t> V8Lines::line(const V8Heap::Characters& where,
                                           std::uint32_t position) {
  if (position > where.length) return std::nullopt;
  const Source& found = source(where);
  if (!found.whole) return std::nullopt;
  const auto end = std::ranges::lower_bound(found.ends, position);
  return static_cast<std::uint32_t>(end - found.ends.begin());
}

}  // namespace plumb::detect
