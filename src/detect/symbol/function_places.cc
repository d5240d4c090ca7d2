// SPDX-License-Identifier: Apache-2.0
// Looking for functions by name.
#include "detect/symbol/function_places.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <string_view>
#include <vector>

#include "detect/symbol/byte_reader.h"
#include "detect/symbol/symbol_table.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kMostSymbolBytes = SymbolTable::kMostSymbols * sizeof(Elf64_Sym);
constexpr std::uint64_t kMostNoteBytes = 16U << 20U;
constexpr std::uint64_t kMostDynamic = 1U << 20U;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A number for each symbol of .dynsym, in its order; empty where nothing has a version.
std::vector<std::byte> versions_of(const ImageSource& source, const ElfImage& elf,
                                   const ElfSection& symbols) {
  if (symbols.type != SHT_DYNSYM) return {};
  for (const ElfSection& section : elf.sections()) {
    if (section.type != SHT_GNU_versym) continue;
    return ElfImage::load(source, section, SymbolTable::kMostSymbols * sizeof(Elf64_Versym));
  }
  return {};
}

// Whether programs that are linked now do not get this one: "memcpy@GLIBC_2.2.5" beside
// "memcpy@@GLIBC_2.14" (Linux Standard Base, symbol versioning).
bool is_old_version(std::span<const std::byte> versions, std::size_t index) {
  constexpr Elf64_Versym kHidden = 0x8000;
  if (versions.size() / sizeof(Elf64_Versym) <= index) return false;
  Elf64_Versym version = 0;
  std::memcpy(&version, versions.data() + index * sizeof(version), sizeof(version));
  return (version & kHidden) != 0;
}

using Offsets = std::map<std::string, std::uint64_t>;

void look_through(const ImageSource& source, const ElfImage& elf, const ElfSection& section,
                  const std::set<std::string_view>& wanted, Offsets& newest, Offsets& old) {
  if (section.link >= elf.sections().size()) return;
  const auto versions = versions_of(source, elf, section);
  const auto symbols = ElfImage::load(source, section, kMostSymbolBytes);
  const auto names =
      ElfImage::load(source, elf.sections()[section.link], SymbolTable::kMostNameBytes);
  const std::string_view text = text_of(names);
  std::size_t index = 0;
  for (ByteReader reader(symbols); reader.remaining() >= sizeof(Elf64_Sym); ++index) {
    const auto symbol = reader.read<Elf64_Sym>();
    if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF) continue;
    if (symbol.st_name >= text.size()) continue;
    const std::string_view rest = text.substr(symbol.st_name, ByteReader::kLongestText);
    const auto found = wanted.find(rest.substr(0, rest.find('\0')));
    if (found == wanted.end()) continue;
    const auto offset = elf.offset_of(ElfAddress{symbol.st_value});
    Offsets& into = is_old_version(versions, index) ? old : newest;
    if (offset) into.try_emplace(std::string(*found), *offset);
  }
}

bool has_soname(const ImageSource& source, const ElfImage& elf) {
  const ElfSection* dynamic = elf.section(".dynamic");
  if (dynamic == nullptr) return false;
  const auto bytes = ElfImage::load(source, *dynamic, kMostDynamic);
  for (ByteReader reader(bytes); reader.remaining() >= sizeof(Elf64_Dyn);) {
    if (reader.read<Elf64_Dyn>().d_tag == DT_SONAME) return true;
  }
  return false;
}

// A note's description ends with "PROVIDER\0NAME\0ARGUMENTS\0".
bool has_probes(const ImageSource& source, const ElfImage& elf) {
  using namespace std::string_view_literals;
  const ElfSection* notes = elf.section(".note.stapsdt");
  if (notes == nullptr) return false;
  const auto bytes = ElfImage::load(source, *notes, kMostNoteBytes);
  return text_of(bytes).find("plumb\0acquire\0"sv) != std::string_view::npos;
}

}  // namespace

FunctionPlaces find_functions(const ImageSource& source, const ElfImage& elf,
                              std::span<const std::string> names) {
  FunctionPlaces places;
  constexpr std::array<const char*, 3> kGo = {".gopclntab", ".go.buildinfo", ".note.go.buildid"};
  places.go =
      std::ranges::any_of(kGo, [&](const char* name) { return elf.section(name) != nullptr; });
  places.usdt = has_probes(source, elf);
  places.library = has_soname(source, elf);
  if (names.empty()) return places;
  const std::set<std::string_view> wanted(names.begin(), names.end());
  Offsets old;
  for (const ElfSection& section : elf.sections()) {
    if (section.type != SHT_DYNSYM && section.type != SHT_SYMTAB) continue;
    look_through(source, elf, section, wanted, places.offsets, old);
  }
  places.offsets.merge(old);  // what has old versions alone
  if (places.offsets.empty()) return places;
  for (const ElfSegment& segment : elf.segments()) {
    const std::uint64_t place = places.offsets.begin()->second;
    if (!segment.executable || place < segment.file_offset) continue;
    if (place - segment.file_offset >= segment.file_size) continue;
    places.code_begin = segment.file_offset;
    places.code_end = segment.file_offset + segment.file_size;
  }
  return places;
}

}  // namespace plumb::detect
