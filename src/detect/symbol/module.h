// SPDX-License-Identifier: Apache-2.0
// Module: what plumb knows about one executable file or shared library, for all processes that have
// it mapped. Made once by ModuleCache; unwinding data at birth, names at the first question.
//
// Threads: one at a time. A module that could not be read exists too, and answers nothing.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "detect/record/build_id.h"
#include "detect/symbol/elf_image.h"
#include "detect/symbol/unwind_table.h"

namespace plumb::detect {

// How stacks of code in a module can be walked.
enum class StackDiscipline : std::uint8_t {
  kUnwindTable,   // only .eh_frame knows: the stack must be copied
  kFramePointer,  // nearly every function keeps rbp: the cheap walk is right
  kGo,            // Go code: frame pointers since Go 1.7, and exact tables in .gopclntab
  kNone,          // neither table nor frame pointers
};

class Module {
 public:
  // Reads everything that unwinding needs. Never fails: see above.
  static std::shared_ptr<Module> load(std::shared_ptr<const ImageSource> source, std::string path);

  const std::string& path() const noexcept { return path_; }
  const BuildId& build_id() const noexcept { return elf_.build_id(); }
  const ElfImage& elf() const noexcept { return elf_; }
  bool readable() const noexcept { return readable_; }

  const UnwindTable& unwind_table() const noexcept { return table_; }
  StackDiscipline discipline() const noexcept { return discipline_; }

 private:
  Module() = default;
  void load_unwind_table();

  std::string path_;
  std::shared_ptr<const ImageSource> source_;
  ElfImage elf_;
  bool readable_ = false;
  UnwindTable table_;
  StackDiscipline discipline_ = StackDiscipline::kNone;
};

}  // namespace plumb::detect
