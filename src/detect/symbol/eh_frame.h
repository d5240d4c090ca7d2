// SPDX-License-Identifier: Apache-2.0
// Call frame information of a whole module: .eh_frame (Linux Standard Base, "Exception Frames") or
// .debug_frame (DWARF 5, section 6.4.1) to an UnwindTable. Linear in the length of the section:
// entries always advance, a CIE's instructions run once, and only CIEs met before are believed.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "detect/record/address.h"
#include "detect/symbol/unwind_table.h"

namespace plumb::detect {

enum class CfiFormat { kEhFrame, kDebugFrame };

struct CfiSection {
  CfiFormat format = CfiFormat::kEhFrame;
  std::span<const std::byte> bytes;
  ElfAddress address{};    // of the section's first byte
  ElfAddress data_base{};  // what DW_EH_PE_datarel counts from: .eh_frame_hdr
};

// What became of the section's entries.
struct CfiSummary {
  std::size_t functions = 0;
  std::size_t damaged = 0;   // entries that could not be read, wholly or in part
  std::size_t left_out = 0;  // functions beyond the table's bound
};

// Adds every function of the section to the builder.
CfiSummary read_cfi(const CfiSection& section, UnwindTableBuilder& builder);

// Adds one function: the one whose entry begins at `entry`. False where there is none.
bool read_cfi_entry(const CfiSection& section, ElfAddress entry, UnwindTableBuilder& builder);

}  // namespace plumb::detect
