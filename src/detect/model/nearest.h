// SPDX-License-Identifier: Apache-2.0
// Nearest: which names somebody may have meant who wrote another.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace plumb::detect {

// Insertions, deletions, replacements and swaps of neighbours that make `from` of `to`; `bound` + 1
// where it is more than `bound`. Case does not count.
std::size_t edit_distance(std::string_view from, std::string_view to, std::size_t bound);

// Collects the best few of the names that are offered. A name is near when a third of the wanted
// one's letters would have to change, or one contains the other.
class Nearest {
 public:
  Nearest(std::string wanted, std::size_t limit) : wanted_(std::move(wanted)), limit_(limit) {}

  void offer(const std::string& name) { offer(name, name); }
  // `shown` is what to print; `name` is compared.
  void offer(const std::string& shown, std::string_view name);
  // Best first, none twice.
  std::vector<std::string> take();

 private:
  std::string wanted_;
  std::size_t limit_;
  std::vector<std::pair<std::size_t, std::string>> best_;  // by distance
};

}  // namespace plumb::detect
