// SPDX-License-Identifier: Apache-2.0
// What plumb checks about a file's DWARF before libdw may see it.
#pragma once

#include <libelf.h>

#include <cstdint>
#include <optional>

#include "detect/record/build_id.h"
#include "detect/symbol/image.h"

namespace plumb::detect {

struct DebugSections {
  bool readable = false;           // there is DWARF, and its sections unpack to a bounded size
  bool needs_alternative = false;  // some of it is in the file that .gnu_debugaltlink names
  BuildId alternative;             // of that file
};

DebugSections judge_debug_sections(const ImageSource& file);

// Whether the last string of .debug_str and .debug_line_str ends within its section. libdw 0.188
// reads on where it does not. After dwarf_begin_elf, which unpacks the sections.
bool strings_end(Elf* elf);

// Whether the line program at `offset` of .debug_line is at most 8 MiB long: libdw turns each byte
// into up to one row of 48 bytes.
bool line_program_is_bounded(Elf* elf, std::uint64_t offset);

}  // namespace plumb::detect
