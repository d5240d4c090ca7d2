// SPDX-License-Identifier: Apache-2.0
// CheckStacks: stacks of stopped threads, taken at once and named when they are asked for: of a
// thousand things that a program makes few are left.
//
// A stack keeps what is needed to name it (where its process had which module), also after its
// process has executed another program or ended. Threads: one.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "detect/record/stack_store.h"
#include "detect/record/trace_event.h"
#include "detect/symbol/module_cache.h"
#include "detect/symbol/process_access.h"
#include "detect/symbol/process_view.h"
#include "detect/symbol/python_reader.h"
#include "detect/symbol/symbolizer.h"
#include "detect/symbol/unwinder.h"
#include "detect/symbol/v8_reader.h"

namespace plumb::app {

class CheckStacks {
  struct Program {
    detect::ProcessView view;
    std::optional<detect::PythonReader> python;  // reads through `view`
    std::optional<detect::V8Reader> v8;          // likewise
    bool looked_for_scripts = false;
  };

 public:
  class Taken {
   public:
    bool cut() const;

   private:
    friend class CheckStacks;
    std::shared_ptr<Program> program_;
    detect::Unwound native_;
    std::vector<detect::PythonSample> samples_;
    std::vector<detect::Frame> python_;  // their names: the interpreter frees code that has run
    std::vector<detect::NamedFrame> v8_;
  };

  CheckStacks() = default;
  CheckStacks(const CheckStacks&) = delete;
  CheckStacks& operator=(const CheckStacks&) = delete;

  // The stack of a thread that stands still. Null where its process cannot be read.
  std::shared_ptr<const Taken> take(Pid process, Tid thread,
                                    const detect::StackRegisters& registers);
  detect::StackNode name(const Taken& stack);
  // A stack of another store.
  detect::StackNode adopt(const detect::StackStore& store, detect::StackNode stack);
  // The process is another program from now on, or gone.
  void forget(Pid process);

  const detect::StackStore& stacks() const { return stacks_; }

 private:
  std::shared_ptr<Program> program_of(Pid process);
  void look_for_scripts(Program& program);

  detect::ProcAccess access_;
  detect::ModuleCache modules_;
  detect::Symbolizer symbolizer_;
  detect::Unwinder unwinder_;
  detect::StackStore stacks_;
  std::map<Pid, std::shared_ptr<Program>> programs_;
  std::vector<std::byte> memory_;
};

}  // namespace plumb::app
