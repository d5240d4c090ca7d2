// SPDX-License-Identifier: Apache-2.0
// Sharing of a line.
#include "detect/report/column_widths.h"

#include <algorithm>

namespace plumb::detect {
namespace {

constexpr std::size_t kLeast = 8;

}  // namespace

std::vector<std::size_t> share_width(const std::vector<ColumnWish>& wishes, std::size_t width,
                                     std::size_t gap) {
  std::vector<std::size_t> widths(wishes.size());
  std::vector<std::size_t> flexible;
  std::size_t used = wishes.empty() ? 0 : gap * (wishes.size() - 1);
  for (std::size_t c = 0; c < wishes.size(); ++c) {
    if (wishes[c].flexible) {
      flexible.push_back(c);
    } else {
      used += widths[c] = wishes[c].most;
    }
  }
  std::size_t rest = width > used ? width - used : 0;
  std::vector<std::size_t> modest = flexible;  // who wants least is served first
  std::ranges::sort(modest, {}, [&](std::size_t c) { return wishes[c].usual; });
  for (std::size_t at = 0; at < modest.size(); ++at) {
    const std::size_t share = std::max(rest / (modest.size() - at), kLeast);
    widths[modest[at]] = std::min(wishes[modest[at]].usual, share);
    rest -= std::min(rest, widths[modest[at]]);
  }
  for (const std::size_t c : flexible) {
    const std::size_t more = std::min(rest, wishes[c].most - widths[c]);
    widths[c] += more;
    rest -= more;
  }
  return widths;
}

}  // namespace plumb::detect
