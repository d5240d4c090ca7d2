// SPDX-License-Identifier: Apache-2.0
// From call frame information to the kernel's small rules, and walking by them.
#include "detect/symbol/walk_rules.h"

#include <limits>
#include <optional>

#include "detect/symbol/dwarf_expression.h"
#include "detect/symbol/go_table.h"
#include "detect/symbol/stack_copy.h"
#include "detect/symbol/unwind_table.h"

namespace plumb::detect {
namespace {

constexpr auto kRbp = static_cast<std::uint8_t>(Register::kRbp);
constexpr auto kRsp = static_cast<std::uint8_t>(Register::kRsp);
constexpr auto kRip = static_cast<std::uint8_t>(Register::kRip);

// psABI 3.4.1: what a function that keeps a frame pointer looks like.
constexpr WalkRule kFramePointer{WalkRule::Kind::kFrame, 16, -16};
constexpr WalkRule kBare{WalkRule::Kind::kFrame, 16, -16, true};
constexpr std::uint64_t kMostGoFrame = 1U << 20U;
constexpr WalkRule kOutermost{WalkRule::Kind::kEnd, 0, 0};
constexpr WalkRule kUnwalkable{WalkRule::Kind::kCut, 0, 0};

std::optional<RegisterRule> saved(const UnwindTable& table, const UnwindTable::Rule& rule,
                                  std::uint8_t which) {
  for (const UnwindTable::Saved& found : table.saved(rule)) {
    if (found.which == which) return found.rule;
  }
  return std::nullopt;
}

bool fits(std::int32_t offset) {
  return offset >= std::numeric_limits<std::int16_t>::min() &&
         offset <= std::numeric_limits<std::int16_t>::max();
}

// An expression that depends on sp and ip alone is a constant distance at this ip: a PLT entry.
std::optional<std::int32_t> distance_from_sp(std::span<const std::byte> expression, Address ip) {
  constexpr std::uint64_t kSomewhere = 0x7fff'0000'0000;
  Registers registers;
  registers.set(Register::kRsp, kSomewhere);
  registers.set(Register::kRip, number(ip));
  const auto value = evaluate(expression, registers, StackCopy(Address{0}, {}), std::nullopt);
  if (!value || *value < kSomewhere || *value - kSomewhere > 1U << 20U) return std::nullopt;
  return static_cast<std::int32_t>(*value - kSomewhere);
}

// Where an expression finds a word by bp alone: gcc's realigned stacks say "breg6 N; deref".
std::optional<std::int32_t> word_by_bp(std::span<const std::byte> expression, bool dereferenced) {
  constexpr std::byte kBreg6{0x76};
  constexpr std::byte kDeref{0x06};
  const std::size_t length = dereferenced ? 3 : 2;
  if (expression.size() != length || expression[0] != kBreg6) return std::nullopt;
  if (dereferenced && expression[2] != kDeref) return std::nullopt;
  const auto byte = std::to_integer<std::int32_t>(expression[1]);
  if (byte >= 0x80) return std::nullopt;  // a longer SLEB128
  return byte >= 0x40 ? byte - 0x80 : byte;
}

WalkRule realigned(const UnwindTable& table, const UnwindTable::Rule& rule,
                   std::span<const std::byte> expression) {
  const auto at = word_by_bp(expression, true);
  const auto bp = saved(table, rule, kRbp);
  if (!at || !bp || bp->kind != RuleKind::kAtExpression) return kUnwalkable;
  const auto bp_at = word_by_bp(table.expression(bp->value), false);
  if (!bp_at || !fits(*bp_at)) return kUnwalkable;
  return {WalkRule::Kind::kDeref, *at, static_cast<std::int16_t>(*bp_at)};
}

WalkRule from_table(const UnwindTable& table, const UnwindTable::Rule& rule, Address ip) {
  if (rule.signal_frame) return {WalkRule::Kind::kSignal, 0, 0};
  const auto return_address = saved(table, rule, kRip);
  if (return_address && return_address->kind == RuleKind::kUndefined) return kOutermost;
  if (return_address != RegisterRule{RuleKind::kAtCfa, -8}) return kUnwalkable;

  WalkRule made;
  if (rule.cfa.kind == CfaKind::kRegisterPlus && rule.cfa.base == kRsp) {
    made = {WalkRule::Kind::kStack, rule.cfa.offset, 0};
  } else if (rule.cfa.kind == CfaKind::kRegisterPlus && rule.cfa.base == kRbp) {
    made = {WalkRule::Kind::kFrame, rule.cfa.offset, 0};
  } else if (rule.cfa.kind == CfaKind::kExpression) {
    const auto expression = table.expression(rule.cfa.offset);
    const auto distance = distance_from_sp(expression, ip);
    if (!distance) return realigned(table, rule, expression);
    made = {WalkRule::Kind::kStack, *distance, 0};
  } else {
    return kUnwalkable;
  }
  const auto bp = saved(table, rule, kRbp);
  if (!bp || bp->kind == RuleKind::kUndefined) return made;
  if (bp->kind != RuleKind::kAtCfa || !fits(bp->value)) return kUnwalkable;
  made.bp_offset = static_cast<std::int16_t>(bp->value);
  return made;
}

WalkRule from_go(const GoTable& go, const GoTable::Function& function, ElfAddress at) {
  if (go.outermost(function)) return kOutermost;
  const auto height = go.height(function, at);
  if (!height || *height > kMostGoFrame) return kFramePointer;
  // A function with a frame keeps the caller's rbp just below its return address.
  return {WalkRule::Kind::kStack, static_cast<std::int32_t>(*height + 8),
          static_cast<std::int16_t>(*height >= 8 ? -16 : 0)};
}

struct Place {
  std::uint64_t ip = 0, sp = 0, bp = 0;
};

// The thread's stack, and the one that its signal interrupted.
struct Copies {
  StackCopy own;
  StackCopy interrupted;

  std::optional<std::uint64_t> word(std::uint64_t address) const {
    const auto found = own.word(address);
    return found ? found : interrupted.word(address);
  }
};

enum class Stepped { kOutward, kEnd, kNotCopied };

// One step as the kernel does it.
Stepped step(Place& place, const WalkRule& rule, const Copies& stack) {
  std::uint64_t cfa = 0;
  std::optional<std::uint64_t> bp = place.bp;
  switch (rule.kind) {
    case WalkRule::Kind::kStack:
      cfa = place.sp + static_cast<std::uint64_t>(std::int64_t{rule.cfa_offset});
      break;
    case WalkRule::Kind::kFrame:
      cfa = place.bp + static_cast<std::uint64_t>(std::int64_t{rule.cfa_offset});
      break;
    case WalkRule::Kind::kDeref: {
      const auto word =
          stack.word(place.bp + static_cast<std::uint64_t>(std::int64_t{rule.cfa_offset}));
      bp = stack.word(place.bp + static_cast<std::uint64_t>(std::int64_t{rule.bp_offset}));
      if (!word || !bp) return Stepped::kNotCopied;
      cfa = *word;
      break;
    }
    case WalkRule::Kind::kSignal: {
      // struct ucontext's gregs: rbp at 120, rsp at 160, rip at 168
      bp = stack.word(place.sp + 120);
      const auto sp = stack.word(place.sp + 160);
      const auto ip = stack.word(place.sp + 168);
      if (!bp || !sp || !ip) return Stepped::kNotCopied;
      place = {*ip, *sp, *bp};
      return Stepped::kOutward;
    }
    case WalkRule::Kind::kEnd:
    case WalkRule::Kind::kCut:
      return Stepped::kEnd;
  }
  if (cfa <= place.sp) return Stepped::kEnd;
  const auto caller = stack.word(cfa - 8);
  if (!caller) return Stepped::kNotCopied;
  if (*caller == 0) return Stepped::kEnd;
  if (rule.kind != WalkRule::Kind::kDeref && rule.bp_offset != 0) {
    bp = stack.word(cfa + static_cast<std::uint64_t>(std::int64_t{rule.bp_offset}));
    if (!bp) return Stepped::kNotCopied;
  }
  place = {*caller, cfa, *bp};
  return Stepped::kOutward;
}

}  // namespace

WalkRule walk_rule(ProcessView& process, Address ip, bool interrupted) {
  const auto place = process.find_code(ip);
  if (!place) return kOutermost;
  if (place->module != nullptr) {
    // Behind a call that never returns stands the next function: look inside the call.
    const Module& module = *place->module;
    const bool own = interrupted && module.rules_at(place->address).find(place->address) != nullptr;
    const ElfAddress at = own ? place->address : place->address - 1;
    if (const GoTable* go = module.go()) {
      if (const auto function = go->find(at)) return from_go(*go, *function, at);
    }
    const UnwindTable& table = module.rules_at(at);
    if (const UnwindTable::Rule* rule = table.find(at)) return from_table(table, *rule, ip);
    // clone and clone3 of the C library have no frame information behind their system call, because
    // it would be wrong in the child; the return address is on top of the stack.
    if (interrupted && module.has_rules()) return {WalkRule::Kind::kStack, 8, 0};
  }
  return kBare;
}

WalkedStack finish_walk(ProcessView& process, const StackEvent& event, std::size_t most,
                        const std::function<void(Address, const WalkRule&)>& teach) {
  WalkedStack walked;
  walked.cut = event.cut;
  walked.addresses = event.addresses;
  for (std::size_t i = 0; i < walked.addresses.size(); ++i) {
    // The kernel knew the rules of all but the last, so asking for them costs a look into tables.
    const bool after_signal =
        i > 0 && walk_rule(process, walked.addresses[i - 1], walked.interrupted[i - 1]).kind ==
                     WalkRule::Kind::kSignal;
    walked.interrupted.push_back(i == 0 || after_signal);
  }
  if (event.copy.empty() || walked.addresses.empty()) return walked;

  const Copies stack{StackCopy(Address{event.registers.sp}, event.copy),
                     StackCopy(event.interrupted_at, event.interrupted)};
  Place place{event.registers.ip, event.registers.sp, event.registers.bp};
  for (;;) {
    const WalkRule rule = walk_rule(process, Address{place.ip}, walked.interrupted.back());
    if (!process.unsure()) teach(Address{place.ip}, rule);
    if (rule.bare) walked.bare.push_back({walked.addresses.size() - 1, Address{place.bp}});
    const Stepped stepped = step(place, rule, stack);
    if (stepped != Stepped::kOutward) {
      walked.cut |= stepped == Stepped::kNotCopied || rule.kind == WalkRule::Kind::kCut;
      return walked;
    }
    if (walked.addresses.size() >= most) {
      walked.cut = true;
      return walked;
    }
    walked.addresses.push_back(Address{place.ip});
    walked.interrupted.push_back(rule.kind == WalkRule::Kind::kSignal);
  }
}

}  // namespace plumb::detect
