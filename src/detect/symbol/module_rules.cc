// SPDX-License-Identifier: Apache-2.0
// Reading a function's rules when they are asked for.
#include "detect/symbol/module_rules.h"

#include <utility>

namespace plumb::detect {
namespace {

CfiSection view_of(const CfiBytes& bytes) {
  return {bytes.format, bytes.bytes, bytes.address, bytes.data_base};
}

}  // namespace

ModuleRules::ModuleRules(const ImageSource& source, const ElfImage& elf)
    : sections_(find_cfi(source, elf)) {
  const bool alone = sections_.size() == 1 && sections_.front().format == CfiFormat::kEhFrame;
  if (alone) index_ = EhFrameIndex::read(source, elf);
}

bool ModuleRules::empty() const {
  return sections_.empty() || sections_.front().bytes.empty();
}

const UnwindTable& ModuleRules::at(ElfAddress address) {
  if (all_ || !index_) return all();
  const auto entry = index_->entry_for(address).value_or(ElfAddress{});
  if (const auto known = functions_.find(entry); known != functions_.end()) return known->second;
  // A stack goes through hundreds of functions; more are forgotten at once.
  if (functions_.size() >= kMostFunctions) functions_.clear();
  UnwindTableBuilder builder;
  (void)read_cfi_entry(view_of(sections_.front()), entry, builder);
  return functions_.emplace(entry, std::move(builder).build()).first->second;
}

const UnwindTable& ModuleRules::all() {
  if (!all_) {
    UnwindTableBuilder builder;
    for (const CfiBytes& section : sections_) read_cfi(view_of(section), builder);
    all_ = std::move(builder).build();
  }
  return *all_;
}

}  // namespace plumb::detect
