// SPDX-License-Identifier: Apache-2.0
// PerfMap: names of generated code, as just-in-time compilers write them to /tmp/perf-PID.map for
// perf (Linux, tools/perf/Documentation/jit-interface.txt): "START SIZE name" a line, hexadecimal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/record/address.h"

namespace plumb::detect {

class PerfMap {
 public:
  static constexpr std::size_t kMostEntries = 4U << 20U;
  static constexpr std::size_t kMostBytes = 256U << 20U;  // of text; more is left unread

  // Lines that make no sense are left out.
  static PerfMap parse(std::string_view text);

  struct Name {
    std::string_view name;     // lives as long as the map
    std::uint64_t offset = 0;  // bytes from the start of the code
  };
  // Compilers reuse memory: of entries that overlap, the one written last holds.
  std::optional<Name> find(Address address) const noexcept;

  std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    std::uint64_t start;
    std::uint64_t end;
    std::uint32_t name;  // offset in names_
    std::uint32_t name_size;
  };
  void make_disjoint(std::vector<Entry> in_order);

  std::vector<Entry> entries_;  // sorted, disjoint
  std::string names_;
};

}  // namespace plumb::detect
