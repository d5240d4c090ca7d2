// SPDX-License-Identifier: Apache-2.0
// Edit distance: optimal string alignment, in a band.
#include "detect/model/nearest.h"

#include <algorithm>

namespace plumb::detect {
namespace {

constexpr std::size_t kContained = 3;  // letters of a part that says something
constexpr std::size_t kLongest = 256;  // of a name that is worth a comparison: rows x columns

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::size_t edit_distance(std::string_view from, std::string_view to, std::size_t bound) {
  const std::size_t gap = std::max(from.size(), to.size()) - std::min(from.size(), to.size());
  if (gap > bound || from.size() > kLongest) return bound + 1;
  std::vector<std::size_t> before(to.size() + 1);
  std::vector<std::size_t> above(to.size() + 1);
  std::vector<std::size_t> row(to.size() + 1);
  for (std::size_t j = 0; j <= to.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const bool same = lower(from[i - 1]) == lower(to[j - 1]);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && lower(from[i - 1]) == lower(to[j - 2]) &&
          lower(from[i - 2]) == lower(to[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    if (std::ranges::min(row) > bound) return bound + 1;
    std::swap(before, above);
    std::swap(above, row);
  }
  return std::min(above[to.size()], bound + 1);
}

void Nearest::offer(const std::string& shown, std::string_view name) {
  if (name.empty() || wanted_.empty()) return;
  const std::size_t bound = std::max<std::size_t>(1, wanted_.size() / 3);
  const bool contained =
      wanted_.size() >= kContained && name.size() >= kContained &&
      (name.find(wanted_) != std::string_view::npos || wanted_.find(name) != std::string::npos);
  const std::size_t distance = contained ? bound : edit_distance(wanted_, name, bound);
  if (distance > bound) return;
  const std::pair candidate{distance, shown};
  const auto at = std::ranges::lower_bound(best_, candidate);
  if (std::ranges::find(best_, shown, &decltype(best_)::value_type::second) != best_.end()) return;
  best_.insert(at, candidate);
  if (best_.size() > limit_) best_.pop_back();
}

std::vector<std::string> Nearest::take() {
  std::vector<std::string> names;
  for (auto& [distance, name] : best_) names.push_back(std::move(name));
  return names;
}

}  // namespace plumb::detect
