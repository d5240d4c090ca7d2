// SPDX-License-Identifier: Apache-2.0
// Sharing of modules between processes.
#include "detect/symbol/module_cache.h"

#include <string_view>

namespace plumb::detect {
namespace {

// A digest of the table of contents: two files that agree in it have their code in the same places.
std::size_t layout_of(const ElfImage& elf) {
  std::string text;
  for (const ElfSegment& segment : elf.segments()) {
    text += std::to_string(number(segment.address)) + ':' + std::to_string(segment.file_offset) +
            ':' + std::to_string(segment.file_size) + ';';
  }
  for (const ElfSection& section : elf.sections()) {
    text += section.name + ':' + std::to_string(section.file_offset) + ':' +
            std::to_string(section.size) + ';';
  }
  return std::hash<std::string>{}(text);
}

}  // namespace

std::shared_ptr<Module> ModuleCache::load(std::shared_ptr<const ImageSource> source,
                                          std::string path) {
  return Module::load(std::move(source), std::move(path), ++serial_);
}

std::shared_ptr<Module> ModuleCache::get(const ProcessAccess& access, Pid process,
                                         const Mapping& mapping) {
  auto image = access.image(process, mapping);
  if (!image) {
    if (!nothing_) nothing_ = load(std::make_shared<MemoryImage>(std::vector<std::byte>{}), "");
    return nothing_;
  }
  const std::shared_ptr<const ImageSource> source(*std::move(image));
  const FileIdentity file{mapping.file, source->size()};
  const bool has_file = mapping.file.inode != 0;
  if (has_file) {
    const auto known = by_file_.find(file);
    if (known != by_file_.end()) return known->second;
  }
  std::shared_ptr<Module> module;
  const auto elf = ElfImage::parse(*source);
  if (elf && !elf->build_id().empty()) {
    auto& shared = by_build_[{elf->build_id(), source->size(), layout_of(*elf)}];
    if (!shared) shared = load(source, mapping.path);
    module = shared;
  } else {
    module = load(source, mapping.path);
  }
  if (has_file) by_file_.emplace(file, module);
  bound_open_files(access, process, module);
  return module;
}

void ModuleCache::bound_open_files(const ProcessAccess& access, Pid process,
                                   std::shared_ptr<Module> newest) {
  std::erase_if(open_, [&newest](const std::weak_ptr<Module>& entry) {
    const auto module = entry.lock();
    return !module || module->names_loaded() || module == newest;
  });
  if (open_.size() >= kMostOpen) {
    open_.front().lock()->names(access, process);
    open_.erase(open_.begin());
  }
  open_.push_back(newest);
}

void ModuleCache::drop_unused() {
  // A module counts one reference from each map, and lives on while a process view holds another.
  std::erase_if(by_file_, [](const auto& entry) {
    const std::shared_ptr<Module>& module = entry.second;
    return module.use_count() <= (module->build_id().empty() ? 1 : 2);
  });
  std::erase_if(by_build_, [](const auto& entry) { return entry.second.use_count() == 1; });
}

}  // namespace plumb::detect
