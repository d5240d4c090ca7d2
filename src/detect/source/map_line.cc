// SPDX-License-Identifier: Apache-2.0
// Taking a line of a map apart.
#include "detect/source/map_line.h"

#include "plumb/base/text.h"

namespace plumb::detect {

std::optional<MapLine> parse_map_line(std::string_view line) {
  const auto first = parse_number<std::uint64_t>(take_until(line, '-'), 16);
  const auto last = parse_number<std::uint64_t>(take_until(line, ' '), 16);
  if (!first || !last || *last <= *first) return std::nullopt;
  MapLine found{.begin = *first, .end = *last, .path = {}};
  const std::string_view rights = take_until(line, ' ');
  found.readable = rights.starts_with('r');
  found.writable = rights.size() > 1 && rights[1] == 'w';
  found.shared = rights.ends_with('s');
  for (int word = 0; word < 3; ++word) (void)take_until(line, ' ');  // offset, device, inode
  found.path = trim(line);
  return found;
}

}  // namespace plumb::detect
