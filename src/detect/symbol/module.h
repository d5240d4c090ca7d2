// SPDX-License-Identifier: Apache-2.0
// Module: what plumb knows about one executable file or shared library, for all processes that have
// it mapped. Made once by ModuleCache. Its table of contents is read at birth, what stacks and
// names need at the first question: to find out what a program is must not wait for them.
//
// Threads: one at a time. A module that could not be read exists too, and answers nothing.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "detect/record/build_id.h"
#include "detect/symbol/elf_image.h"
#include "detect/symbol/go_table.h"
#include "detect/symbol/module_names.h"
#include "detect/symbol/module_rules.h"

namespace plumb::detect {

class Module {
 public:
  // Never fails: see above.
  static std::shared_ptr<Module> load(std::shared_ptr<const ImageSource> source, std::string path,
                                      std::uint64_t serial);

  // A number that no other module of this run has, also after this one is gone.
  std::uint64_t serial() const noexcept { return serial_; }
  const std::string& path() const noexcept { return path_; }
  const BuildId& build_id() const noexcept { return elf_.build_id(); }
  const ElfImage& elf() const noexcept { return elf_; }
  bool readable() const noexcept { return readable_; }

  // The rules around an address of its code: see ModuleRules::at().
  const UnwindTable& rules_at(ElfAddress address) const { return rules().at(address); }
  bool has_rules() const { return !rules().empty(); }
  // All of them: of a large file that takes a second.
  const UnwindTable& unwind_table() const { return rules().all(); }
  // Null for modules without Go code.
  const GoTable* go() const;

  // Names and lines; read at the first call, by way of a process that has the module mapped. The
  // module's file stays open until then.
  ModuleNames& names(const ProcessAccess& access, Pid process);
  // See SymbolTable::landmark(). Reads the exported symbols alone where names() was not yet called:
  // a millisecond, where the names of an interpreter with its debug information take a second.
  std::optional<ElfAddress> landmark(std::string_view name);
  bool names_loaded() const noexcept { return names_.has_value(); }

 private:
  Module() = default;
  ModuleRules& rules() const;

  std::uint64_t serial_ = 0;
  std::string path_;
  std::shared_ptr<const ImageSource> source_;
  ElfImage elf_;
  bool readable_ = false;
  mutable std::optional<ModuleRules> rules_;
  mutable std::optional<std::optional<GoTable>> go_;  // none: not looked for yet
  std::optional<ModuleNames> names_;
  std::optional<SymbolTable> exports_;
};

}  // namespace plumb::detect
