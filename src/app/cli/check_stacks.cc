// SPDX-License-Identifier: Apache-2.0
// Unwinding with plumb's own unwinder, and names afterwards.
#include "app/cli/check_stacks.h"

#include <utility>

namespace plumb::app {
namespace {

using namespace detect;

constexpr std::size_t kStackBytes = 64 << 10;

Registers registers_of(const StackRegisters& from) {
  Registers registers;
  registers.set(Register::kRip, from.ip);
  registers.set(Register::kRsp, from.sp);
  registers.set(Register::kRbp, from.bp);
  registers.set(Register::kRbx, from.bx);
  registers.set(Register::kR12, from.r12);
  registers.set(Register::kR13, from.r13);
  registers.set(Register::kR14, from.r14);
  registers.set(Register::kR15, from.r15);
  return registers;
}

bool is_whole(const Unwound& stack) {
  return stack.end == UnwindEnd::kOutermost || stack.end == UnwindEnd::kStackCut ||
         stack.end == UnwindEnd::kTooDeep;
}

}  // namespace

bool CheckStacks::Taken::cut() const {
  return native_.end == UnwindEnd::kStackCut || native_.end == UnwindEnd::kTooDeep;
}

std::shared_ptr<CheckStacks::Program> CheckStacks::program_of(Pid process) {
  auto& program = programs_[process];
  if (program) return program;
  auto view = ProcessView::open(process, access_, modules_);
  if (!view) return nullptr;
  program = std::make_shared<Program>(Program{*std::move(view), std::nullopt, std::nullopt, false});
  return program;
}

// The interpreter may be a library that comes with the program's loader, after the first stacks.
void CheckStacks::look_for_scripts(Program& program) {
  if (program.looked_for_scripts) return;
  program.looked_for_scripts = true;
  if (!program.python) program.python = PythonReader::find(program.view);
  if (!program.v8) program.v8 = V8Reader::find(program.view);
}

std::shared_ptr<const CheckStacks::Taken> CheckStacks::take(Pid process, Tid thread,
                                                            const StackRegisters& registers) {
  const auto program = program_of(process);
  if (!program) return nullptr;
  memory_.resize(kStackBytes);
  memory_.resize(access_.read_memory(process, Address{registers.sp}, memory_));
  auto taken = std::make_shared<Taken>();
  taken->program_ = program;
  taken->native_ = unwinder_.unwind(program->view, registers_of(registers), memory_);
  // It may have loaded a library since its maps were read.
  if (!is_whole(taken->native_) && program->view.refresh()) {
    program->looked_for_scripts = false;
    taken->native_ = unwinder_.unwind(program->view, registers_of(registers), memory_);
  }
  look_for_scripts(*program);
  if (program->v8) taken->v8_ = program->v8->names(taken->native_);
  if (program->python) {
    taken->samples_ = program->python->sample(thread);
    taken->python_ = program->python->names(taken->samples_);
  }
  return taken;
}

StackNode CheckStacks::name(const Taken& stack) {
  Program& program = *stack.program_;
  std::vector<Frame> frames = symbolizer_.frames(program.view, stack.native_, stack.v8_);
  if (program.python) {
    frames =
        merge_python(std::move(frames), stack.samples_, stack.python_, program.python->module());
  }
  std::vector<FrameId> ids;
  ids.reserve(frames.size());
  for (const Frame& frame : frames) ids.push_back(stacks_.intern(frame));
  return stacks_.add(ids);
}

StackNode CheckStacks::adopt(const StackStore& store, StackNode stack) {
  std::vector<FrameId> ids;
  for (const FrameId id : store.frames(stack)) ids.push_back(stacks_.intern(store.frame(id)));
  return stacks_.add(ids);
}

void CheckStacks::forget(Pid process) {
  programs_.erase(process);
  symbolizer_.forget(process);
}

}  // namespace plumb::app
