// SPDX-License-Identifier: Apache-2.0
// Walking up a stack.
#include "detect/symbol/unwinder.h"

#include "detect/symbol/unwind_step.h"

namespace plumb::detect {
namespace {

struct Way {
  Step step;
  FoundBy found_by = FoundBy::kUnwindTable;
  bool signal_frame = false;
};

Way leave_go(const GoTable& go, const GoTable::Function& function, ElfAddress at,
             const Registers& registers, const StackCopy& stack) {
  if (go.outermost(function)) {
    Step step;
    step.end = UnwindEnd::kOutermost;
    return {step, FoundBy::kGoTable, false};
  }
  const auto height = go.height(function, at);
  if (!height) return {step_by_frame_pointer(registers, stack), FoundBy::kFramePointer, false};
  return {step_by_height(*height, registers, stack), FoundBy::kGoTable, false};
}

// The address whose rules hold. A return address may already belong to the next function, when the
// call never returns; so may the address behind the system call that ends one (rt_sigreturn, exit).
ElfAddress instruction_of(const Module& module, ElfAddress ip, bool interrupted) {
  if (!interrupted) return ip - 1;
  return module.rules_at(ip).find(ip) != nullptr ? ip : ip - 1;
}

// clone and clone3 of the C library have no frame information behind their system call, because it
// would be wrong in the child; the return address is on top of the stack, and no register has
// changed.
Step step_from_clone(const Registers& registers, const StackCopy& stack) {
  Step step = step_by_height(0, registers, stack);
  for (const Register kept :
       {Register::kRbx, Register::kR12, Register::kR13, Register::kR14, Register::kR15}) {
    if (const auto value = registers.get(kept)) step.caller.set(kept, *value);
  }
  return step;
}

Way leave(const CodePlace& place, bool interrupted, const Registers& registers,
          const StackCopy& stack) {
  const Module* module = place.module;
  if (module != nullptr) {
    const ElfAddress at = instruction_of(*module, place.address, interrupted);
    if (const auto function = module->go() != nullptr ? module->go()->find(at) : std::nullopt) {
      return leave_go(*module->go(), *function, at, registers, stack);
    }
    const UnwindTable& table = module->rules_at(at);
    if (const UnwindTable::Rule* rule = table.find(at)) {
      return {step_by_rule(table, *rule, registers, stack), FoundBy::kUnwindTable,
              rule->signal_frame};
    }
    if (interrupted && !module->unwind_table().empty()) {
      return {step_from_clone(registers, stack), FoundBy::kUnwindTable, false};
    }
  }
  // Generated code (V8, JITs) and V8's embedded builtins have no rules and keep frame pointers.
  return {step_by_frame_pointer(registers, stack), FoundBy::kFramePointer, false};
}

}  // namespace

std::string_view to_string(UnwindEnd end) noexcept {
  switch (end) {
    case UnwindEnd::kOutermost:
      return "outermost";
    case UnwindEnd::kStackCut:
      return "stack cut";
    case UnwindEnd::kNoRule:
      return "no rule";
    case UnwindEnd::kCorrupt:
      return "corrupt";
    case UnwindEnd::kTooDeep:
      return "too deep";
  }
  return "";
}

Unwound Unwinder::unwind(ProcessView& process, const Registers& registers,
                         std::span<const std::byte> bytes) const {
  Unwound result;
  const auto first_ip = registers.get(Register::kRip);
  const auto first_sp = registers.get(Register::kRsp);
  if (!first_ip || !first_sp) return result;
  const StackCopy stack(Address{*first_sp}, bytes);
  Registers current = registers;
  UnwoundFrame frame{Address{*first_ip}, FoundBy::kRegisters, true};
  result.frames.reserve(32);
  result.frames.push_back(frame);
  for (;;) {
    const auto place = process.find_code(frame.ip);
    if (!place) {
      result.end = UnwindEnd::kCorrupt;
      if (result.frames.size() > 1) result.frames.pop_back();
      return result;
    }
    if (result.frames.size() == kMostFrames) {
      result.end = UnwindEnd::kTooDeep;
      return result;
    }
    Way way = leave(*place, frame.interrupted, current, stack);
    if (way.step.end) {
      result.end = *way.step.end;
      return result;
    }
    if (way.found_by == FoundBy::kFramePointer) {
      if (const auto bp = current.get(Register::kRbp)) {
        result.frames.back().bare_pointer = Address{*bp};
      }
    }
    current = way.step.caller;
    frame = {Address{*current.get(Register::kRip)}, way.found_by, way.signal_frame};
    result.frames.push_back(frame);
  }
}

}  // namespace plumb::detect
