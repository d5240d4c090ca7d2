// SPDX-License-Identifier: Apache-2.0
// Counting lines of /proc/PID/maps.
#include "detect/model/mapping_growth.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMostRows = 3;
constexpr int kFieldsBeforeName = 4;  // permissions, offset, device, inode

std::optional<std::uint64_t> hexadecimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

MappingCounts count_mappings(std::string_view maps) {
  MappingCounts counts;
  while (!maps.empty()) {
    std::string_view line = take_until(maps, '\n');
    std::string_view range = take_word(line);
    const auto start = hexadecimal(take_until(range, '-'));
    const auto end = hexadecimal(range);
    if (!start || !end || *end < *start) continue;
    for (int field = 0; field < kFieldsBeforeName; ++field) take_word(line);
    const std::string_view name = trim(line);
    MappingCount& count = counts[std::string(name.empty() ? "memory" : name)];
    ++count.mappings;
    count.bytes += *end - *start;
  }
  return counts;
}

MappingGrowth growth_between(Pid process, const MappingCounts& first, const MappingCounts& now) {
  MappingGrowth growth;
  growth.process = process;
  for (const auto& [name, count] : now) {
    const auto before = first.find(name);
    const std::uint64_t earlier = before == first.end() ? 0 : before->second.mappings;
    // What is mapped for the first time, as a library is, is no growth.
    if (count.mappings <= earlier || (earlier == 0 && count.mappings < 8)) continue;
    growth.rows.push_back({name, earlier, count.mappings, count.bytes});
  }
  std::ranges::stable_sort(growth.rows, std::ranges::greater{},
                           [](const auto& row) { return row.now - row.first; });
  if (growth.rows.size() > kMostRows) growth.rows.resize(kMostRows);
  return growth;
}

}  // namespace plumb::detect
