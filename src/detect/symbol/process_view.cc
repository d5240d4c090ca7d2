// SPDX-License-Identifier: Apache-2.0
// Finding the module behind an address of a process.
#include "detect/symbol/process_view.h"

#include <algorithm>
#include <ctime>

namespace plumb::detect {
namespace {

// The maps are read again for a tenth of the time; what was not used is saved for the moment when a
// compiler maps much new code at once.
constexpr int kShare = 10;

// Not the time that passes: on a busy machine a reading of 1 ms takes 50.
std::chrono::nanoseconds own_processor_time() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

bool is_code(const Mapping& mapping) {
  return mapping.executable && mapping.path != "[vsyscall]";
}

}  // namespace

Result<ProcessView> ProcessView::open(Pid process, const ProcessAccess& access,
                                      ModuleCache& cache) {
  ProcessView view(process, access, cache);
  if (auto read = view.refresh(); !read) return std::move(read).error();
  return view;
}

Result<void> ProcessView::refresh() {
  const auto began = own_processor_time();
  auto text = access_->maps(process_);
  if (!text) return std::move(text).error();
  AddressSpace fresh = AddressSpace::parse(*text);
  std::vector<std::shared_ptr<Module>> modules(fresh.mappings().size());
  // What stayed where it was keeps its module.
  for (std::size_t index = 0; index < modules.size(); ++index) {
    const Mapping& mapping = fresh.mappings()[index];
    const Mapping* old = space_.find(mapping.start);
    const bool same = old != nullptr && old->start == mapping.start && old->end == mapping.end &&
                      old->file == mapping.file && old->file_offset == mapping.file_offset;
    if (same) modules[index] = modules_[static_cast<std::size_t>(old - space_.mappings().data())];
  }
  space_ = std::move(fresh);
  modules_ = std::move(modules);
  allowance_ -= own_processor_time() - began;
  read_at_ = BootClock::now();
  return {};
}

bool ProcessView::refresh_for_unknown() {
  const std::chrono::nanoseconds earned = (BootClock::now() - read_at_) / kShare;
  unsure_ = allowance_ + earned < std::chrono::nanoseconds(0);
  if (unsure_) return false;
  allowance_ = std::min<std::chrono::nanoseconds>(allowance_ + earned, kMostSaved);
  return refresh().ok();
}

Module* ProcessView::module_of(std::size_t index) {
  std::shared_ptr<Module>& slot = modules_[index];
  if (!slot) {
    const Mapping& mapping = space_.mappings()[index];
    slot = cache_->get(*access_, process_, mapping);
  }
  return slot->readable() ? slot.get() : nullptr;
}

std::optional<CodePlace> ProcessView::find_code(Address address) {
  unsure_ = false;
  const Mapping* mapping = space_.find(address);
  if ((mapping == nullptr || !is_code(*mapping)) && refresh_for_unknown()) {
    mapping = space_.find(address);
  }
  if (mapping == nullptr || !is_code(*mapping)) return std::nullopt;
  CodePlace place;
  place.mapping = mapping;
  if (mapping->file.inode == 0 && mapping->path != "[vdso]") return place;
  Module* module = module_of(static_cast<std::size_t>(mapping - space_.mappings().data()));
  if (module == nullptr) return place;
  const std::uint64_t offset = number(address) - number(mapping->start) + mapping->file_offset;
  if (const auto found = module->elf().address_at(offset)) {
    place.module = module;
    place.address = *found;
  }
  return place;
}

std::vector<Module*> ProcessView::modules(bool (*wanted)(const Mapping&)) {
  std::vector<Module*> found;
  for (std::size_t index = 0; index < space_.mappings().size(); ++index) {
    const Mapping& mapping = space_.mappings()[index];
    if (!is_code(mapping) || (mapping.file.inode == 0 && mapping.path != "[vdso]")) continue;
    if (!wanted(mapping)) continue;
    Module* module = module_of(index);
    if (module != nullptr && std::find(found.begin(), found.end(), module) == found.end()) {
      found.push_back(module);
    }
  }
  return found;
}

}  // namespace plumb::detect
