// SPDX-License-Identifier: Apache-2.0
// One line of a process's map, /proc/PID/maps (proc_pid_maps(5)).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace plumb::detect {

struct MapLine {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  bool readable = false;
  bool writable = false;
  bool shared = false;
  std::string_view path;  // or the kernel's name in brackets; a view into the line
};

// "7f00a000-7f00c000 r-xp 00001000 fe:01 42  /lib/x"; nothing for a line that is none. Pure.
std::optional<MapLine> parse_map_line(std::string_view line);

}  // namespace plumb::detect
