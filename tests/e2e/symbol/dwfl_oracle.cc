// SPDX-License-Identifier: Apache-2.0
// libdwfl on a snapshot.
#include "dwfl_oracle.h"

#include <cstring>

#include "detect/symbol/stack_copy.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMostFrames = 256;

const Snapshot& snapshot_of(void* argument) {
  return **static_cast<const Snapshot**>(argument);
}

pid_t next_thread(Dwfl*, void* argument, void** thread_argument) {
  if (*thread_argument != nullptr) return 0;
  *thread_argument = argument;
  return snapshot_of(argument).thread;
}

// Another number than the thread's asks for a thread that is not in the snapshot.
bool get_thread(Dwfl*, pid_t thread, void* argument, void** thread_argument) {
  *thread_argument = argument;
  return snapshot_of(argument).thread == thread;
}

bool read_word(Dwfl*, Dwarf_Addr address, Dwarf_Word* result, void* argument) {
  const Snapshot& snapshot = snapshot_of(argument);
  const StackCopy stack(Address{*snapshot.registers.get(Register::kRsp)}, snapshot.stack);
  const auto word = stack.word(address);
  if (word) *result = *word;
  return word.has_value();
}

bool set_registers(Dwfl_Thread* thread, void* argument) {
  const Registers& from = snapshot_of(argument).registers;
  Dwarf_Word values[Registers::kCount];
  for (std::size_t index = 0; index < Registers::kCount; ++index) {
    values[index] = from.get(index).value_or(0);
  }
  return ::dwfl_thread_state_registers(thread, 0, Registers::kCount, values);
}

int collect(Dwfl_Frame* frame, void* argument) {
  auto& found = *static_cast<std::vector<Address>*>(argument);
  Dwarf_Addr address = 0;
  bool activation = false;
  if (!::dwfl_frame_pc(frame, &address, &activation)) return DWARF_CB_ABORT;
  found.push_back(Address{address});
  return found.size() < kMostFrames ? DWARF_CB_OK : DWARF_CB_ABORT;
}

// Its separate debug files could tell more than what is loaded; the comparison is about .eh_frame.
int no_debug_file(Dwfl_Module*, void**, const char*, Dwarf_Addr, const char*, const char*,
                  GElf_Word, char**) {
  return -1;
}

const Dwfl_Callbacks kCallbacks{::dwfl_linux_proc_find_elf, no_debug_file, nullptr, nullptr};
const Dwfl_Thread_Callbacks kThreadCallbacks{next_thread,   get_thread, read_word,
                                             set_registers, nullptr,    nullptr};

}  // namespace

struct DwflOracle::State {
  Pid process{};
  Dwfl* dwfl = nullptr;
  const Snapshot* snapshot = nullptr;
  bool attached = false;
};

DwflOracle::DwflOracle(Pid process) : state_(std::make_unique<State>()) {
  state_->process = process;
  state_->dwfl = ::dwfl_begin(&kCallbacks);
  report();
}

DwflOracle::~DwflOracle() {
  ::dwfl_end(state_->dwfl);
}

void DwflOracle::report() {
  ::dwfl_report_begin_add(state_->dwfl);
  ::dwfl_linux_proc_report(state_->dwfl, number(state_->process));
  ::dwfl_report_end(state_->dwfl, nullptr, nullptr);
}

DwflOracle::Answer DwflOracle::unwind(const Snapshot& snapshot) {
  Answer answer;
  state_->snapshot = &snapshot;
  if (!state_->attached) {
    // The pid given here is of no meaning to it beyond being printed.
    state_->attached = ::dwfl_attach_state(state_->dwfl, nullptr, number(state_->process),
                                           &kThreadCallbacks, &state_->snapshot);
  }
  const int result =
      ::dwfl_getthread_frames(state_->dwfl, snapshot.thread, collect, &answer.frames);
  answer.complete = result == 0;
  return answer;
}

}  // namespace plumb::detect
