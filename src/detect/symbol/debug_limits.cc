// SPDX-License-Identifier: Apache-2.0
// Judging of debug sections by their headers.
#include "detect/symbol/debug_limits.h"

#include <elf.h>
#include <gelf.h>

#include <string_view>

#include "detect/symbol/byte_reader.h"
#include "detect/symbol/elf_image.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kMostUnpacked = 2U << 30U;
constexpr std::uint64_t kLongestLineProgram = 8U << 20U;

// What the section takes in memory; compressed ones say so themselves (gABI, "Section
// Compression").
std::uint64_t unpacked_size(const ImageSource& file, const ElfSection& section) {
  if ((section.flags & SHF_COMPRESSED) == 0) return section.size;
  Elf64_Chdr header{};
  const auto into = std::as_writable_bytes(std::span(&header, 1));
  if (file.read(section.file_offset, into) != sizeof(header)) return section.size;
  return header.ch_size;
}

// Calls look(name, section) for each section that has a name, until it says false; whether it never
// did. False too where the file has no names.
template <typename Look>
bool visit_sections(Elf* elf, const Look& look) {
  std::size_t names = 0;
  if (::elf_getshdrstrndx(elf, &names) != 0) return false;
  for (Elf_Scn* section = ::elf_nextscn(elf, nullptr); section != nullptr;
       section = ::elf_nextscn(elf, section)) {
    GElf_Shdr header;
    if (::gelf_getshdr(section, &header) == nullptr) continue;
    const char* name = ::elf_strptr(elf, names, header.sh_name);
    if (name != nullptr && !look(std::string_view(name), section)) return false;
  }
  return true;
}

}  // namespace

DebugSections judge_debug_sections(const ImageSource& file) {
  DebugSections judged;
  const auto elf = ElfImage::parse(file);
  if (!elf) return judged;
  std::uint64_t all = 0;
  bool information = false;
  for (const ElfSection& section : elf->sections()) {
    const bool plain = section.name.starts_with(".debug_");
    // The old GNU form, .zdebug_, hides its size elsewhere and no compiler writes it any more.
    if (section.name.starts_with(".zdebug_")) return judged;
    if (section.name == ".gnu_debugaltlink") {
      const auto bytes = ElfImage::load(file, section, 4096);
      ByteReader reader(bytes);
      reader.c_string();
      judged.needs_alternative = true;
      judged.alternative = BuildId(reader.take(reader.remaining()));
    }
    if (!plain || section.type == SHT_NOBITS) continue;
    const std::uint64_t size = unpacked_size(file, section);
    if (size > kMostUnpacked - all) return judged;
    all += size;
    information |= section.name == ".debug_info";
  }
  judged.readable = information;
  return judged;
}

bool strings_end(Elf* elf) {
  return visit_sections(elf, [](std::string_view name, Elf_Scn* section) {
    if (!name.starts_with(".debug_") || !name.ends_with("str")) return true;
    const Elf_Data* data = ::elf_rawdata(section, nullptr);
    if (data == nullptr || data->d_buf == nullptr || data->d_size == 0) return true;
    return static_cast<const char*>(data->d_buf)[data->d_size - 1] == 0;
  });
}

bool line_program_is_bounded(Elf* elf, std::uint64_t offset) {
  bool bounded = false;
  visit_sections(elf, [&](std::string_view name, Elf_Scn* section) {
    if (name != ".debug_line") return true;
    // libdw has unpacked the section by now; what is left is the content.
    const Elf_Data* data = ::elf_rawdata(section, nullptr);
    if (data == nullptr || data->d_buf == nullptr) return false;
    const std::span bytes(static_cast<const std::byte*>(data->d_buf), data->d_size);
    ByteReader reader(bytes, std::min<std::uint64_t>(offset, bytes.size()));
    const auto length = reader.read<std::uint32_t>();
    bounded = reader.ok() && length <= kLongestLineProgram;
    return false;
  });
  return bounded;
}

}  // namespace plumb::detect
