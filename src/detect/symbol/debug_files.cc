// SPDX-License-Identifier: Apache-2.0
// Finding separate debug files.
#include "detect/symbol/debug_files.h"

#include <lzma.h>

#include <algorithm>

namespace plumb::detect {
namespace {

constexpr std::uint64_t kMostCrcBytes = 1U << 30U;
constexpr const char* kDebugRoot = "/usr/lib/debug";

bool belongs(const ImageSource& candidate, const ElfImage& elf) {
  const auto parsed = ElfImage::parse(candidate);
  if (!parsed) return false;
  if (!elf.build_id().empty()) return parsed->build_id() == elf.build_id();
  return elf.debug_link() && crc32_of(candidate) == elf.debug_link()->crc;
}

}  // namespace

std::vector<std::string> debug_file_paths(const BuildId& build_id,
                                          const std::optional<DebugLink>& link,
                                          const std::string& module_path) {
  std::vector<std::string> paths;
  const std::string hex = build_id.hex();
  if (hex.size() > 2) {
    paths.push_back(std::string(kDebugRoot) + "/.build-id/" + hex.substr(0, 2) + "/" +
                    hex.substr(2) + ".debug");
  }
  const auto slash = module_path.rfind('/');
  if (link && slash != std::string::npos) {
    const std::string folder = module_path.substr(0, slash + 1);
    paths.push_back(folder + link->file_name);
    paths.push_back(folder + ".debug/" + link->file_name);
    paths.push_back(kDebugRoot + folder + link->file_name);
  }
  return paths;
}

std::optional<std::uint32_t> crc32_of(const ImageSource& source) {
  if (source.size() > kMostCrcBytes) return std::nullopt;
  std::vector<std::byte> piece(1U << 20U);
  std::uint32_t crc = 0;
  std::uint64_t offset = 0;
  while (offset < source.size()) {
    const std::size_t got = source.read(offset, piece);
    if (got == 0) return std::nullopt;
    crc = ::lzma_crc32(reinterpret_cast<const std::uint8_t*>(piece.data()), got, crc);
    offset += got;
  }
  return crc;
}

std::unique_ptr<FileImage> find_debug_file(const ProcessAccess& access, Pid process,
                                           const ElfImage& elf, const std::string& module_path) {
  for (const std::string& path : debug_file_paths(elf.build_id(), elf.debug_link(), module_path)) {
    auto own = access.file(process, path);
    if (own && belongs(**own, elf)) return *std::move(own);
    auto host = FileImage::open(path);
    if (host && belongs(**host, elf)) return *std::move(host);
  }
  return nullptr;
}

}  // namespace plumb::detect
