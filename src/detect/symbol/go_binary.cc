// SPDX-License-Identifier: Apache-2.0
// Finding .gopclntab and runtime.firstmoduledata in Go binaries.
#include "detect/symbol/go_binary.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "detect/symbol/byte_reader.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kMostTable = 256U << 20U;
constexpr std::uint64_t kMostData = 64U << 20U;
constexpr std::uint64_t kMostGoFunc = 16U << 20U;
constexpr std::size_t kModuleWords = 64;
constexpr std::size_t kTextWord = 22;  // moduledata.text, the same since Go 1.16

struct Found {
  std::vector<std::byte> bytes;
  ElfAddress address{};
};

// The header of a table: one of the magics, two zero bytes, quantum 1, pointers of 8 bytes.
bool begins_table(std::span<const std::byte> bytes) {
  if (bytes.size() < 8) return false;
  const auto at = [bytes](std::size_t index) { return std::to_integer<unsigned>(bytes[index]); };
  const bool magic = (at(0) == 0xfa || at(0) == 0xf0 || at(0) == 0xf1) && at(1) == 0xff &&
                     at(2) == 0xff && at(3) == 0xff;
  return magic && at(4) == 0 && at(5) == 0 && at(6) == 1 && at(7) == 8;
}

std::optional<Found> by_section(const ImageSource& source, const ElfImage& elf) {
  for (const char* name : {".gopclntab", ".data.rel.ro.gopclntab"}) {
    const ElfSection* section = elf.section(name);
    if (section == nullptr) continue;
    Found found{ElfImage::load(source, *section, kMostTable), section->address};
    if (begins_table(found.bytes)) return found;
  }
  return std::nullopt;
}

// Binaries without section headers: the table begins on a 32-byte boundary of a data segment.
std::optional<Found> by_magic(const ImageSource& source, const ElfImage& elf) {
  for (const ElfSegment& segment : elf.segments()) {
    if (segment.executable) continue;
    auto bytes = source.load(segment.file_offset, segment.file_size, kMostTable);
    for (std::size_t at = 0; at + 8 <= bytes.size(); at += 32) {
      if (!begins_table(std::span(bytes).subspan(at, 8))) continue;
      bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
      return Found{std::move(bytes), segment.address + at};
    }
  }
  return std::nullopt;
}

class Relocations {
 public:
  Relocations(const ImageSource& source, const ElfImage& elf) {
    for (const ElfSection& section : elf.sections()) {
      if (section.type != SHT_RELA) continue;
      const auto bytes = ElfImage::load(source, section, kMostData);
      for (ByteReader reader(bytes); reader.remaining() >= sizeof(Elf64_Rela);) {
        const auto rela = reader.read<Elf64_Rela>();
        if (ELF64_R_TYPE(rela.r_info) == R_X86_64_RELATIVE) {
          words_.push_back({rela.r_offset, static_cast<std::uint64_t>(rela.r_addend)});
        }
      }
    }
    std::sort(words_.begin(), words_.end());
  }

  std::optional<ElfAddress> place_of(ElfAddress value) const {
    for (const auto& [at, points_to] : words_) {
      if (points_to == number(value)) return ElfAddress{at};
    }
    return std::nullopt;
  }

  void apply(ElfAddress start, std::span<std::uint64_t> words) const {
    auto it =
        std::lower_bound(words_.begin(), words_.end(), std::pair(number(start), std::uint64_t{0}));
    for (; it != words_.end() && it->first - number(start) < words.size_bytes(); ++it) {
      words[(it->first - number(start)) / 8] = it->second;
    }
  }

 private:
  std::vector<std::pair<std::uint64_t, std::uint64_t>> words_;  // place, value
};

// moduledata begins with the table's address.
std::optional<ElfAddress> find_module_data(const ImageSource& source, const ElfImage& elf,
                                           const Relocations& relocations, ElfAddress table) {
  if (const auto place = relocations.place_of(table)) return place;
  for (const ElfSegment& segment : elf.segments()) {
    if (segment.executable) continue;
    const auto bytes = source.load(segment.file_offset, segment.file_size, kMostData);
    for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + at, sizeof(word));
      if (word == number(table)) return segment.address + at;
    }
  }
  return std::nullopt;
}

using ModuleWords = std::array<std::uint64_t, kModuleWords>;

std::optional<ModuleWords> read_module_data(const ImageSource& source, const ElfImage& elf,
                                            ElfAddress table) {
  const Relocations relocations(source, elf);
  const auto place = find_module_data(source, elf, relocations, table);
  const auto offset = place ? elf.offset_of(*place) : std::nullopt;
  if (!offset) return std::nullopt;
  ModuleWords words{};
  source.read(*offset, std::as_writable_bytes(std::span(words)));
  relocations.apply(*place, words);
  return words;
}

// moduledata.gofunc moves with Go versions (word 38 in 1.18, 40 in 1.20): the word that makes sense
// of the inlining trees is it.
void find_inline_data(const ImageSource& source, const ElfImage& elf, const ModuleWords& words,
                      GoTable& table) {
  constexpr std::size_t kFirst = 34;
  for (std::size_t index = kFirst; index < words.size(); ++index) {
    const ElfAddress address{words[index]};
    const auto offset = elf.offset_of(address);
    if (!offset) continue;
    const std::uint64_t size = std::min(elf.bytes_from(address), kMostGoFunc);
    if (table.use_inline_data(source.load(*offset, size, kMostGoFunc)) > 0.9) return;
  }
}

}  // namespace

std::optional<GoTable> find_go_table(const ImageSource& source, const ElfImage& elf) {
  auto found = elf.sections().empty() ? by_magic(source, elf) : by_section(source, elf);
  if (!found) return std::nullopt;
  const auto words = read_module_data(source, elf, found->address);
  ElfAddress text_start{};
  if (const ElfSection* text = elf.section(".text")) text_start = text->address;
  if (words && elf.offset_of(ElfAddress{(*words)[kTextWord]})) {
    text_start = ElfAddress{(*words)[kTextWord]};
  }
  auto table = GoTable::parse(std::move(found->bytes), text_start);
  if (table && words) find_inline_data(source, elf, *words, *table);
  return table;
}

}  // namespace plumb::detect
