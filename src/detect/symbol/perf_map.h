// SPDX-License-Identifier: Apache-2.0
// PerfMap: names of generated code, as just-in-time compilers write them to /tmp/perf-PID.map for
// perf (Linux, tools/perf/Documentation/jit-interface.txt): "START SIZE name" a line, hexadecimal.
// A map grows as its text does.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "detect/record/address.h"

namespace plumb::detect {

class PerfMap {
 public:
  static constexpr std::size_t kMostEntries = 1U << 20U;
  static constexpr std::size_t kMostNames = 128U << 20U;  // bytes of names

  // Takes in the next part of the text, of whole lines. Lines that make no sense are left out, and
  // so are those that find no room.
  void append(std::string_view text);

  struct Name {
    std::string_view name;     // lives until the next append()
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
  void put(const Entry& entry);

  std::map<std::uint64_t, Entry> entries_;  // by start, disjoint
  std::string names_;
};

}  // namespace plumb::detect
