// SPDX-License-Identifier: Apache-2.0
// CfiRow: how to find the caller's registers at one place of the code (DWARF 5, section 6.4.1).
#pragma once

#include <array>
#include <cstdint>

#include "detect/symbol/registers.h"

namespace plumb::detect {

enum class RuleKind : std::uint8_t {
  kSame,          // the caller's value is still in the register
  kUndefined,     // lost; for the return address: there is no caller
  kAtCfa,         // in memory at CFA + value
  kCfaPlus,       // is CFA + value
  kRegister,      // in another register, whose number is value
  kAtExpression,  // in memory at the result of expression number value
  kIsExpression,  // is the result of expression number value
};

struct RegisterRule {
  RuleKind kind = RuleKind::kSame;
  std::int32_t value = 0;
  friend bool operator==(const RegisterRule&, const RegisterRule&) = default;
};

enum class CfaKind : std::uint8_t { kNone, kRegisterPlus, kExpression };

struct CfaRule {
  CfaKind kind = CfaKind::kNone;
  std::uint8_t base = 0;    // DWARF register number, for kRegisterPlus
  std::int32_t offset = 0;  // bytes, or the expression's number
  friend bool operator==(const CfaRule&, const CfaRule&) = default;
};

struct CfiRow {
  CfaRule cfa;
  std::array<RegisterRule, Registers::kCount> registers{};
  bool signal_frame = false;  // its return address is the interrupted instruction itself
  friend bool operator==(const CfiRow&, const CfiRow&) = default;
};

}  // namespace plumb::detect
