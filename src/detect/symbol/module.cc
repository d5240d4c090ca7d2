// SPDX-License-Identifier: Apache-2.0
// Reading a module, each part when it is asked for.
#include "detect/symbol/module.h"

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

ModuleRules& Module::rules() const {
  if (!rules_) rules_ = source_ ? ModuleRules(*source_, elf_) : ModuleRules();
  return *rules_;
}

const GoTable* Module::go() const {
  if (!go_) go_.emplace(source_ ? find_go_table(*source_, elf_) : std::nullopt);
  return go_->has_value() ? &**go_ : nullptr;
}

ModuleNames& Module::names(const ProcessAccess& access, Pid process) {
  if (!names_) {
    (void)rules();  // the file is closed below
    (void)go();
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
