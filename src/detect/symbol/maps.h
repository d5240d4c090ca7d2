// SPDX-License-Identifier: Apache-2.0
// AddressSpace: what a process has mapped where, from the text of /proc/PID/maps (proc(5)). Pure:
// whoever has the text can have the answers. Lines that make no sense are counted and left out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/record/address.h"
#include "detect/symbol/image.h"

namespace plumb::detect {

struct Mapping {
  Address start{};
  Address end{};  // first byte beyond
  std::uint64_t file_offset = 0;
  FileKey file;      // zero for anonymous memory
  std::string path;  // as the kernel prints it, escapes undone; "[vdso]", "[stack]", empty
  bool executable = false;
  bool readable = false;
  bool deleted = false;  // the name is gone or belongs to another file now
};

class AddressSpace {
 public:
  // A process may hold 65,530 mappings by default (vm.max_map_count); beyond this many the rest is
  // counted as left out.
  static constexpr std::size_t kMostMappings = 1 << 20;

  static AddressSpace parse(std::string_view maps);

  // The mapping that holds the address, or null.
  const Mapping* find(Address address) const noexcept;
  const std::vector<Mapping>& mappings() const noexcept { return mappings_; }  // by start
  std::size_t left_out() const noexcept { return left_out_; }

 private:
  std::vector<Mapping> mappings_;
  std::size_t left_out_ = 0;
};

// One line without its newline; nothing when it is not a line of maps.
std::optional<Mapping> parse_mapping(std::string_view line);

}  // namespace plumb::detect
