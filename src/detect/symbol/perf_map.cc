// SPDX-License-Identifier: Apache-2.0
// Parsing of perf maps.
#include "detect/symbol/perf_map.h"

#include <algorithm>
#include <map>

#include "plumb/base/text.h"

namespace plumb::detect {

PerfMap PerfMap::parse(std::string_view text) {
  PerfMap map;
  std::vector<Entry> written;
  text = text.substr(0, kMostBytes);
  while (!text.empty() && written.size() < kMostEntries) {
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
    written.push_back({*start, *start + *size, static_cast<std::uint32_t>(map.names_.size()),
                       static_cast<std::uint32_t>(name.size())});
    map.names_ += name;
  }
  map.make_disjoint(std::move(written));
  return map;
}

void PerfMap::make_disjoint(std::vector<Entry> in_order) {
  std::map<std::uint64_t, Entry> held;  // by start
  for (const Entry& entry : in_order) {
    auto it = held.lower_bound(entry.start);
    if (it != held.begin()) {
      Entry& before = std::prev(it)->second;
      if (before.end > entry.start) {
        Entry rest = before;
        before.end = entry.start;
        rest.start = entry.end;
        if (rest.end > rest.start) it = held.insert_or_assign(rest.start, rest).first;
      }
    }
    while (it != held.end() && it->first < entry.end) {
      Entry covered = it->second;
      it = held.erase(it);
      if (covered.end <= entry.end) continue;
      covered.start = entry.end;
      it = held.insert_or_assign(covered.start, covered).first;
      break;
    }
    held.insert_or_assign(entry.start, entry);
  }
  entries_.reserve(held.size());
  for (const auto& [start, entry] : held) entries_.push_back(entry);
}

std::optional<PerfMap::Name> PerfMap::find(Address address) const noexcept {
  auto it = std::upper_bound(entries_.begin(), entries_.end(), number(address),
                             [](std::uint64_t at, const Entry& entry) { return at < entry.start; });
  if (it == entries_.begin()) return std::nullopt;
  --it;
  if (number(address) >= it->end) return std::nullopt;
  return Name{std::string_view(names_).substr(it->name, it->name_size),
              number(address) - it->start};
}

}  // namespace plumb::detect
