// SPDX-License-Identifier: Apache-2.0
// Reading a module, each part when it is asked for.
#include "detect/symbol/module.h"

#include "detect/symbol/eh_frame.h"
#include "detect/symbol/eh_frame_location.h"
#include "detect/symbol/frame_pointers.h"
#include "detect/symbol/go_binary.h"

namespace plumb::detect {

std::shared_ptr<Module> Module::load(std::shared_ptr<const ImageSource> source, std::string path,
                                     std::uint64_t serial) {
  std::shared_ptr<Module> module(new Module);
  module->serial_ = serial;
  module->path_ = std::move(path);
  auto elf = ElfImage::parse(*source);
  if (!elf) return module;
  module->source_ = std::move(source);
  module->elf_ = *std::move(elf);
  module->readable_ = true;
  return module;
}

const Module::Unwinding& Module::unwinding() const {
  if (unwinding_) return *unwinding_;
  Unwinding& made = unwinding_.emplace(Unwinding{});  // clang: no defaults within Module
  if (!source_) return made;
  UnwindTableBuilder builder;
  for (const CfiBytes& found : find_cfi(*source_, elf_)) {
    read_cfi({found.format, found.bytes, found.address, found.data_base}, builder);
  }
  made.discipline = keeps_frame_pointers(builder.shapes()) ? StackDiscipline::kFramePointer
                                                           : StackDiscipline::kUnwindTable;
  made.table = std::move(builder).build();
  if (made.table.empty()) made.discipline = StackDiscipline::kNone;
  made.go = find_go_table(*source_, elf_);
  if (made.go) made.discipline = StackDiscipline::kGo;
  return made;
}

ModuleNames& Module::names(const ProcessAccess& access, Pid process) {
  if (!names_) {
    (void)unwinding();  // the file is closed below
    names_ = source_ ? load_names(*source_, elf_, path_, access, process) : ModuleNames{};
    source_.reset();
  }
  return *names_;
}

std::optional<ElfAddress> Module::landmark(std::string_view name) {
  if (names_) return names_->symbols.landmark(name);
  if (!exports_) {
    exports_.emplace();
    if (source_) add_exports(*source_, elf_, *exports_);
  }
  return exports_->landmark(name);
}

}  // namespace plumb::detect
