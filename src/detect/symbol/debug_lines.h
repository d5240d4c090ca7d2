// SPDX-License-Identifier: Apache-2.0
// DebugLines: source lines and inlined calls from DWARF, through elfutils' libdw.
//
// libdw trusts files more than plumb may, so this class keeps it from what a hostile file could
// make it do: sections that unpack beyond 2 GiB, line programs over 8 MiB, deep or circular trees
// (walked here, with bounds, not by libdw's recursion), other files opened by a name in the file. A
// file that takes more than a second of reading for one question is given up.
//
// Threads: one at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "detect/record/address.h"
#include "detect/symbol/image.h"

namespace plumb::detect {

struct SourcePosition {
  std::string function;  // linkage name where there is one, so perhaps mangled; may be empty
  std::uint64_t function_offset = 0;  // bytes from the start of this part of it; 0 where inlined
  std::string file;
  std::optional<std::uint32_t> line;
  bool inlined = false;
};

class DebugLines {
 public:
  // Null when the file has no DWARF that plumb would read. `alternative` is the file that
  // .gnu_debugaltlink names (dwz), where the caller found it.
  static std::unique_ptr<DebugLines> open(const FileImage& file, const FileImage* alternative);
  ~DebugLines();
  DebugLines(const DebugLines&) = delete;
  DebugLines& operator=(const DebugLines&) = delete;

  // The positions at an address, innermost first: inlined calls, then the function itself. Empty
  // where the debug information does not cover the address.
  std::vector<SourcePosition> find(ElfAddress address);

 private:
  struct Impl;
  explicit DebugLines(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace plumb::detect
