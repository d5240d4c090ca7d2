// SPDX-License-Identifier: Apache-2.0
// Collecting a module's names.
#include "detect/symbol/module_names.h"

#include "detect/symbol/debug_files.h"
#include "detect/symbol/debug_limits.h"
#include "detect/symbol/mini_debug.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kMostMiniDebug = 32U << 20U;

void add_mini_debug(const ImageSource& image, const ElfImage& elf, SymbolTable& symbols) {
  const ElfSection* section = elf.section(".gnu_debugdata");
  if (section == nullptr) return;
  auto unpacked = unpack_xz(ElfImage::load(image, *section, kMostMiniDebug));
  if (!unpacked) return;
  const MemoryImage inner(*std::move(unpacked));
  if (const auto parsed = ElfImage::parse(inner)) add_symbols(inner, *parsed, symbols);
}

// The file that holds what dwz moved out of several debug files.
std::unique_ptr<FileImage> find_alternative(const BuildId& build_id, const ProcessAccess& access,
                                            Pid process) {
  for (const std::string& path : debug_file_paths(build_id, std::nullopt, "")) {
    auto own = access.file(process, path);
    auto found = own ? std::move(own) : FileImage::open(path);
    if (!found) continue;
    const auto elf = ElfImage::parse(**found);
    if (elf && elf->build_id() == build_id) return *std::move(found);
  }
  return nullptr;
}

std::unique_ptr<DebugLines> open_lines(const FileImage& file, const ProcessAccess& access,
                                       Pid process) {
  const DebugSections sections = judge_debug_sections(file);
  if (!sections.readable) return nullptr;
  std::unique_ptr<FileImage> alternative;
  if (sections.needs_alternative) {
    alternative = find_alternative(sections.alternative, access, process);
  }
  return DebugLines::open(file, alternative.get());
}

}  // namespace

ModuleNames load_names(const ImageSource& image, const ElfImage& elf, const std::string& path,
                       const ProcessAccess& access, Pid process) {
  ModuleNames names;
  add_symbols(image, elf, names.symbols);
  add_mini_debug(image, elf, names.symbols);
  if (const auto* file = dynamic_cast<const FileImage*>(&image)) {
    names.lines = open_lines(*file, access, process);
  }
  if (!names.lines) {
    if (const auto separate = find_debug_file(access, process, elf, path)) {
      if (const auto parsed = ElfImage::parse(*separate)) {
        add_symbols(*separate, *parsed, names.symbols);
        names.lines = open_lines(*separate, access, process);
      }
    }
  }
  names.symbols.finish();
  return names;
}

}  // namespace plumb::detect
