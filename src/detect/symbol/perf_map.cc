// SPDX-License-Identifier: Apache-2.0
// Parsing of perf maps.
#include "detect/symbol/perf_map.h"

#include "plumb/base/text.h"

namespace plumb::detect {

void PerfMap::append(std::string_view text) {
  while (!text.empty() && entries_.size() < kMostEntries && names_.size() < kMostNames) {
    std::string_view line = take_until(text, '\n');
    std::string_view start_word = take_word(line);
    std::string_view size_word = take_word(line);
    for (std::string_view* word : {&start_word, &size_word}) {
      if (word->starts_with("0x")) word->remove_prefix(2);
    }
    const auto start = parse_number<std::uint64_t>(start_word, 16);
    const auto size = parse_number<std::uint64_t>(size_word, 16);
    const std::string_view name = trim(line).substr(0, 4096);
    if (!start || !size || *size == 0 || *start + *size < *start || name.empty()) continue;
    put({*start, *start + *size, static_cast<std::uint32_t>(names_.size()),
         static_cast<std::uint32_t>(name.size())});
    names_ += name;
  }
}

void PerfMap::put(const Entry& entry) {
  auto it = entries_.lower_bound(entry.start);
  if (it != entries_.begin()) {
    Entry& before = std::prev(it)->second;
    if (before.end > entry.start) {
      Entry rest = before;
      before.end = entry.start;
      rest.start = entry.end;
      if (rest.end > rest.start) it = entries_.insert_or_assign(rest.start, rest).first;
    }
  }
  while (it != entries_.end() && it->first < entry.end) {
    Entry covered = it->second;
    it = entries_.erase(it);
    if (covered.end <= entry.end) continue;
    covered.start = entry.end;
    entries_.insert_or_assign(covered.start, covered);
    break;
  }
  entries_.insert_or_assign(entry.start, entry);
}

std::optional<PerfMap::Name> PerfMap::find(Address address) const noexcept {
  auto it = entries_.upper_bound(number(address));
  if (it == entries_.begin()) return std::nullopt;
  const Entry& entry = std::prev(it)->second;
  if (number(address) >= entry.end) return std::nullopt;
  return Name{std::string_view(names_).substr(entry.name, entry.name_size),
              number(address) - entry.start};
}

}  // namespace plumb::detect
