// SPDX-License-Identifier: Apache-2.0
// The three ways from a frame to its caller.
#include "detect/symbol/unwind_step.h"

#include "detect/symbol/dwarf_expression.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kRip = static_cast<std::size_t>(Register::kRip);

Step stop(UnwindEnd why) {
  Step step;
  step.end = why;
  return step;
}

// Why a word could not be had: above the copy the stack was cut, below it somebody lies.
UnwindEnd missing(const StackCopy& stack, std::uint64_t address) {
  return address >= number(stack.start()) ? UnwindEnd::kStackCut : UnwindEnd::kCorrupt;
}

// Registers that a call may destroy are not the caller's (psABI, figure 3.4).
Registers callee_saved(const Registers& from) {
  Registers kept;
  for (const Register which : {Register::kRbx, Register::kRbp, Register::kR12, Register::kR13,
                               Register::kR14, Register::kR15}) {
    if (const auto value = from.get(which)) kept.set(which, *value);
  }
  return kept;
}

// `in_register`: the return address was in a register, as in vfork, so nothing need be popped; that
// register is lost to the caller, so it cannot happen twice in a row.
Step checked(Step step, const Registers& before, bool signal_frame, bool in_register = false) {
  const auto ip = step.caller.get(Register::kRip);
  const auto sp = step.caller.get(Register::kRsp);
  if (!ip || !sp) return stop(UnwindEnd::kNoRule);
  if (*ip == 0) return stop(UnwindEnd::kOutermost);
  // A handler may run on a stack of its own, above or below the interrupted one.
  const auto old_sp = before.get(Register::kRsp);
  const bool rises = old_sp && (*sp > *old_sp || (*sp == *old_sp && in_register));
  if (!signal_frame && !rises) return stop(UnwindEnd::kCorrupt);
  return step;
}

}  // namespace

Step step_by_rule(const UnwindTable& table, const UnwindTable::Rule& rule,
                  const Registers& registers, const StackCopy& stack) {
  std::optional<std::uint64_t> cfa;
  if (rule.cfa.kind == CfaKind::kRegisterPlus) {
    if (const auto base = registers.get(rule.cfa.base)) {
      cfa = *base + static_cast<std::uint64_t>(std::int64_t{rule.cfa.offset});
    }
  } else if (rule.cfa.kind == CfaKind::kExpression) {
    cfa = evaluate(table.expression(rule.cfa.offset), registers, stack, std::nullopt);
  }
  if (!cfa) return stop(UnwindEnd::kNoRule);

  Step step;
  step.caller = rule.signal_frame ? registers : callee_saved(registers);
  step.caller.forget(kRip);
  step.caller.set(Register::kRsp, *cfa);
  bool in_register = false;
  for (const UnwindTable::Saved& saved : table.saved(rule)) {
    const auto offset = static_cast<std::uint64_t>(std::int64_t{saved.rule.value});
    std::optional<std::uint64_t> value;
    std::optional<std::uint64_t> at;
    switch (saved.rule.kind) {
      case RuleKind::kSame:
        continue;
      case RuleKind::kUndefined:
        if (saved.which == kRip) return stop(UnwindEnd::kOutermost);
        step.caller.forget(saved.which);
        continue;
      case RuleKind::kAtCfa:
        at = *cfa + offset;
        break;
      case RuleKind::kCfaPlus:
        value = *cfa + offset;
        break;
      case RuleKind::kRegister:
        value = registers.get(static_cast<std::size_t>(saved.rule.value));
        in_register |= saved.which == kRip;
        break;
      case RuleKind::kAtExpression:
        at = evaluate(table.expression(saved.rule.value), registers, stack, cfa);
        break;
      case RuleKind::kIsExpression:
        value = evaluate(table.expression(saved.rule.value), registers, stack, cfa);
        break;
    }
    if (at) value = stack.word(*at);
    if (value) {
      step.caller.set(saved.which, *value);
    } else if (saved.which == kRip) {
      return stop(at ? missing(stack, *at) : UnwindEnd::kNoRule);
    } else {
      step.caller.forget(saved.which);
    }
  }
  return checked(step, registers, rule.signal_frame, in_register);
}

Step step_by_frame_pointer(const Registers& registers, const StackCopy& stack) {
  const auto rbp = registers.get(Register::kRbp);
  const auto rsp = registers.get(Register::kRsp);
  if (!rbp || !rsp) return stop(UnwindEnd::kNoRule);
  if (*rbp == 0) return stop(UnwindEnd::kOutermost);  // psABI, 3.4.1: cleared at process entry
  if (*rbp < *rsp || *rbp % 8 != 0) return stop(UnwindEnd::kNoRule);
  const auto saved = stack.word(*rbp);
  const auto ip = stack.word(*rbp + 8);
  if (!saved || !ip) return stop(missing(stack, *rbp));
  Step step;
  step.caller.set(Register::kRbp, *saved);
  step.caller.set(Register::kRip, *ip);
  step.caller.set(Register::kRsp, *rbp + 16);
  return checked(step, registers, false);
}

Step step_by_height(std::uint64_t height, const Registers& registers, const StackCopy& stack) {
  const auto rsp = registers.get(Register::kRsp);
  if (!rsp) return stop(UnwindEnd::kNoRule);
  const std::uint64_t return_at = *rsp + height;
  const auto ip = stack.word(return_at);
  if (!ip) return stop(missing(stack, return_at));
  Step step;
  step.caller.set(Register::kRip, *ip);
  step.caller.set(Register::kRsp, return_at + 8);
  // A Go function with a frame keeps the caller's rbp just below its return address.
  const auto rbp = height >= 8 ? stack.word(return_at - 8) : registers.get(Register::kRbp);
  if (rbp) step.caller.set(Register::kRbp, *rbp);
  return checked(step, registers, false);
}

}  // namespace plumb::detect
