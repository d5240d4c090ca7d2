// SPDX-License-Identifier: Apache-2.0
// CfiProgram: runs the call frame instructions of a CIE or FDE (DWARF 5, section 6.4.2) and yields
// rows. Bounded by the length of the instructions: each makes at most one row, and
// of rows beyond the 65,536th of a function nothing is kept.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "detect/symbol/byte_reader.h"
#include "detect/symbol/cfi_row.h"
#include "detect/symbol/pointer_encoding.h"
#include "detect/symbol/unwind_table.h"

namespace plumb::detect {

// What a CIE says about all its FDEs.
struct CfiCommon {
  std::uint64_t code_alignment = 1;
  std::int64_t data_alignment = -8;
  PointerEncoding pointers;
  CfiRow initial;                 // after the CIE's own instructions
  bool has_augmentation = false;  // "z": FDEs carry augmentation data
};

class CfiProgram {
 public:
  // `section` is the whole section, because locations are relative to their place in it.
  CfiProgram(const CfiCommon& common, std::span<const std::byte> section,
             ElfAddress section_address, UnwindTableBuilder& expressions)
      : common_(common),
        section_(section),
        section_address_(section_address),
        expressions_(expressions) {}

  // Runs the instructions at [begin, end) of the section, from `first` on at `start`. False when
  // one is unknown or out of bounds; rows() then holds those before it.
  bool run(std::size_t begin, std::size_t end, ElfAddress start, const CfiRow& first);

  const std::vector<UnwindTableBuilder::PlacedRow>& rows() const noexcept { return rows_; }

 private:
  static constexpr std::size_t kDeepestState = 32;
  static constexpr std::size_t kMostRows = 1 << 16;  // of one function; 10 MiB while it is read

  void place(ElfAddress next);
  bool step(ByteReader& reader, std::uint8_t opcode);
  bool step_location(ByteReader& reader, std::uint8_t opcode, bool& known);
  bool step_cfa(ByteReader& reader, std::uint8_t opcode, bool& known);
  bool step_register(ByteReader& reader, std::uint8_t opcode);
  bool set(std::uint64_t which, RuleKind kind, std::int64_t value);
  bool restore(std::uint64_t which);
  bool set_cfa(std::uint64_t base, std::int64_t offset);
  std::int64_t factored(std::int64_t value) const noexcept;

  const CfiCommon& common_;
  std::span<const std::byte> section_;
  ElfAddress section_address_;
  UnwindTableBuilder& expressions_;
  CfiRow row_;
  ElfAddress location_{};
  std::vector<CfiRow> remembered_;
  std::vector<UnwindTableBuilder::PlacedRow> rows_;
};

}  // namespace plumb::detect
