// SPDX-License-Identifier: Apache-2.0
// Interpretation of call frame instructions.
#include "detect/symbol/cfi_program.h"

#include <dwarf.h>

#include <limits>

namespace plumb::detect {
namespace {

constexpr std::uint8_t kPrimaryMask = 0xc0;
constexpr std::uint8_t kOperandMask = 0x3f;

bool fits(std::int64_t value) {
  return value >= std::numeric_limits<std::int32_t>::min() &&
         value <= std::numeric_limits<std::int32_t>::max();
}

}  // namespace

bool CfiProgram::run(std::size_t begin, std::size_t end, ElfAddress start, const CfiRow& first) {
  rows_.clear();
  remembered_.clear();
  row_ = first;
  location_ = start;
  ByteReader reader(section_.first(end), begin);
  bool good = reader.ok();
  while (good && !reader.at_end()) good = step(reader, reader.read<std::uint8_t>()) && reader.ok();
  place(location_);
  return good;
}

// Writes down the row that holds from location_ on; one place has one row, the last.
void CfiProgram::place(ElfAddress next) {
  if (!rows_.empty() && rows_.back().start == location_) rows_.pop_back();
  const bool changes = rows_.empty() || !(rows_.back().row == row_);
  if (changes && rows_.size() < kMostRows) rows_.push_back({location_, row_});
  location_ = next;
}

std::int64_t CfiProgram::factored(std::int64_t value) const noexcept {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(value, common_.data_alignment, &product)) {
    return std::numeric_limits<std::int64_t>::max();  // refused by fits()
  }
  return product;
}

bool CfiProgram::set(std::uint64_t which, RuleKind kind, std::int64_t value) {
  if (!fits(value)) return false;
  // Vector and mask registers may have rules too; unwinding does not need them.
  if (which < Registers::kCount) row_.registers[which] = {kind, static_cast<std::int32_t>(value)};
  return true;
}

bool CfiProgram::restore(std::uint64_t which) {
  if (which < Registers::kCount) row_.registers[which] = common_.initial.registers[which];
  return true;
}

bool CfiProgram::set_cfa(std::uint64_t base, std::int64_t offset) {
  if (base >= Registers::kCount || !fits(offset)) return false;
  row_.cfa = {CfaKind::kRegisterPlus, static_cast<std::uint8_t>(base),
              static_cast<std::int32_t>(offset)};
  return true;
}

bool CfiProgram::step(ByteReader& reader, std::uint8_t opcode) {
  const std::uint64_t operand = opcode & kOperandMask;
  switch (opcode & kPrimaryMask) {
    case DW_CFA_advance_loc:
      place(location_ + operand * common_.code_alignment);
      return true;
    case DW_CFA_offset:
      return set(operand, RuleKind::kAtCfa,
                 factored(static_cast<std::int64_t>(reader.uleb() & 0x7fffffffffffffffU)));
    case DW_CFA_restore:
      return restore(operand);
    default:
      break;
  }
  bool known = true;
  const bool moved = step_location(reader, opcode, known);
  if (known) return moved;
  known = true;
  const bool defined = step_cfa(reader, opcode, known);
  return known ? defined : step_register(reader, opcode);
}

bool CfiProgram::step_location(ByteReader& reader, std::uint8_t opcode, bool& known) {
  std::uint64_t delta = 0;
  switch (opcode) {
    case DW_CFA_nop:
      return true;
    case DW_CFA_GNU_args_size:
      reader.uleb();
      return true;
    case DW_CFA_set_loc: {
      const auto to = common_.pointers.read(reader, section_address_, ElfAddress{0});
      if (!to || *to < location_) return false;
      place(*to);
      return true;
    }
    case DW_CFA_advance_loc1:
      delta = reader.read<std::uint8_t>();
      break;
    case DW_CFA_advance_loc2:
      delta = reader.read<std::uint16_t>();
      break;
    case DW_CFA_advance_loc4:
      delta = reader.read<std::uint32_t>();
      break;
    default:
      known = false;
      return false;
  }
  place(location_ + delta * common_.code_alignment);
  return true;
}

bool CfiProgram::step_cfa(ByteReader& reader, std::uint8_t opcode, bool& known) {
  switch (opcode) {
    case DW_CFA_def_cfa: {
      const std::uint64_t base = reader.uleb();
      return set_cfa(base, static_cast<std::int64_t>(reader.uleb()));
    }
    case DW_CFA_def_cfa_sf: {
      const std::uint64_t base = reader.uleb();
      return set_cfa(base, factored(reader.sleb()));
    }
    case DW_CFA_def_cfa_register:
      return row_.cfa.kind == CfaKind::kRegisterPlus && set_cfa(reader.uleb(), row_.cfa.offset);
    case DW_CFA_def_cfa_offset:
      return row_.cfa.kind == CfaKind::kRegisterPlus &&
             set_cfa(row_.cfa.base, static_cast<std::int64_t>(reader.uleb()));
    case DW_CFA_def_cfa_offset_sf:
      return row_.cfa.kind == CfaKind::kRegisterPlus &&
             set_cfa(row_.cfa.base, factored(reader.sleb()));
    case DW_CFA_def_cfa_expression: {
      const auto index = expressions_.add_expression(reader.take(reader.uleb()));
      if (!index || !reader.ok()) return false;
      row_.cfa = {CfaKind::kExpression, 0, *index};
      return true;
    }
    case DW_CFA_remember_state:
      if (remembered_.size() == kDeepestState) return false;
      remembered_.push_back(row_);
      return true;
    case DW_CFA_restore_state:
      if (remembered_.empty()) return false;
      row_ = remembered_.back();
      remembered_.pop_back();
      return true;
    default:
      known = false;
      return false;
  }
}

bool CfiProgram::step_register(ByteReader& reader, std::uint8_t opcode) {
  const std::uint64_t which = reader.uleb();
  switch (opcode) {
    case DW_CFA_undefined:
      return set(which, RuleKind::kUndefined, 0);
    case DW_CFA_same_value:
      return set(which, RuleKind::kSame, 0);
    case DW_CFA_restore_extended:
      return restore(which);
    case DW_CFA_register:
      return set(which, RuleKind::kRegister, static_cast<std::int64_t>(reader.uleb()));
    case DW_CFA_offset_extended:
      return set(which, RuleKind::kAtCfa, factored(static_cast<std::int64_t>(reader.uleb())));
    case DW_CFA_offset_extended_sf:
      return set(which, RuleKind::kAtCfa, factored(reader.sleb()));
    case DW_CFA_GNU_negative_offset_extended: {
      const auto value = static_cast<std::int64_t>(reader.uleb() & 0x7fffffffU);
      return set(which, RuleKind::kAtCfa, factored(-value));
    }
    case DW_CFA_val_offset:
      return set(which, RuleKind::kCfaPlus, factored(static_cast<std::int64_t>(reader.uleb())));
    case DW_CFA_val_offset_sf:
      return set(which, RuleKind::kCfaPlus, factored(reader.sleb()));
    case DW_CFA_expression:
    case DW_CFA_val_expression: {
      const auto index = expressions_.add_expression(reader.take(reader.uleb()));
      if (!index || !reader.ok()) return false;
      return set(which,
                 opcode == DW_CFA_expression ? RuleKind::kAtExpression : RuleKind::kIsExpression,
                 *index);
    }
    default:
      return false;
  }
}

}  // namespace plumb::detect
