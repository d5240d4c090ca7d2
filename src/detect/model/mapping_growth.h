// SPDX-License-Identifier: Apache-2.0
// MappingGrowth: which mappings of a process's memory have become more, by what is mapped.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "plumb/base/ids.h"

namespace plumb::detect {

struct MappingCount {
  std::uint64_t mappings = 0;
  std::uint64_t bytes = 0;
};
// By the mapped file, or the kernel's word for it ("[heap]"); "memory" where there is neither.
using MappingCounts = std::map<std::string, MappingCount>;

// Counts the lines of a /proc/PID/maps; lines that make no sense are left out.
MappingCounts count_mappings(std::string_view maps);

struct MappingGrowth {
  struct Row {
    std::string name;
    std::uint64_t first = 0;
    std::uint64_t now = 0;
    std::uint64_t bytes = 0;  // now
  };
  Pid process{};
  std::vector<Row> rows;  // that have become more, by how much; at most three
};

MappingGrowth growth_between(Pid process, const MappingCounts& first, const MappingCounts& now);

}  // namespace plumb::detect
