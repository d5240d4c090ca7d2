// SPDX-License-Identifier: Apache-2.0
// Comparing mappings with a process's map.
#include "detect/source/kind_mapping.h"

#include <algorithm>
#include <string>
#include <vector>

#include "detect/source/map_line.h"
#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMapsLimit = std::size_t{16} << 20;

}  // namespace

void compare_mappings(std::string_view maps, std::span<CheckedResource> rows) {
  std::vector<MapLine> areas;
  while (!maps.empty()) {
    if (const auto area = parse_map_line(take_until(maps, '\n'))) areas.push_back(*area);
  }
  std::ranges::sort(areas, {}, &MapLine::begin);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CheckedResource& row = rows[i];
    std::uint64_t end = row.identity + std::min(row.bytes, ~row.identity);
    if (i + 1 < rows.size()) end = std::min(end, rows[i + 1].identity);
    std::uint64_t covered = 0;
    auto area = std::ranges::upper_bound(areas, row.identity, {}, &MapLine::end);
    for (; area != areas.end() && area->begin < end; ++area) {
      covered += std::min(area->end, end) - std::max(area->begin, row.identity);
    }
    row.gone = covered == 0;
    row.bytes = covered;
  }
}

bool check_mappings(Pid process, std::span<CheckedResource> rows) {
  const auto maps = read_file("/proc/" + std::to_string(number(process)) + "/maps", kMapsLimit);
  // A process that is ending has an empty map before its end is told.
  if (!maps || maps->empty() || maps->size() >= kMapsLimit) return false;
  compare_mappings(*maps, rows);
  return true;
}

}  // namespace plumb::detect
