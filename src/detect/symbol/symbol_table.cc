// SPDX-License-Identifier: Apache-2.0
// Looking up of ELF symbols.
#include "detect/symbol/symbol_table.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

#include "detect/symbol/byte_reader.h"
#include "detect/symbol/plt.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kMostSymbolBytes = SymbolTable::kMostSymbols * sizeof(Elf64_Sym);
constexpr std::uint64_t kUnsizedReach = 64U << 10U;

void add_sections(const ImageSource& source, const ElfImage& elf, std::uint32_t type,
                  SymbolTable& table) {
  for (const ElfSection& section : elf.sections()) {
    if (section.type != type || section.link >= elf.sections().size()) continue;
    const auto symbols = ElfImage::load(source, section, kMostSymbolBytes);
    if (symbols.empty()) continue;
    const auto names =
        ElfImage::load(source, elf.sections()[section.link], SymbolTable::kMostNameBytes);
    table.add(symbols, names);
  }
}

}  // namespace

std::string_view SymbolTable::name_at(std::uint32_t offset) const noexcept {
  if (offset >= names_.size()) return {};
  const char* start = names_.data() + offset;
  const std::size_t reach = std::min(names_.size() - offset, ByteReader::kLongestText);
  return {start, ::strnlen(start, reach)};
}

void SymbolTable::add(std::span<const std::byte> symbols, std::span<const std::byte> names) {
  const std::uint64_t base = names_.size();
  if (names.size() > kMostNameBytes || base + names.size() > 0xfffffffeU) return;
  const auto* text = reinterpret_cast<const char*>(names.data());
  names_.insert(names_.end(), text, text + names.size());
  names_.push_back('\0');
  for (ByteReader reader(symbols); reader.remaining() >= sizeof(Elf64_Sym);) {
    const auto symbol = reader.read<Elf64_Sym>();
    const auto type = ELF64_ST_TYPE(symbol.st_info);
    if (type == STT_OBJECT && symbol.st_shndx != SHN_UNDEF && symbol.st_name < names.size()) {
      // Only as far as a landmark reaches: there may be millions of symbols without an end.
      const std::string_view rest(text + symbol.st_name, names.size() - symbol.st_name);
      const std::string_view name =
          rest.substr(0, std::min(rest.substr(0, 16).find('\0'), std::size_t{16}));
      const auto known = std::find(kLandmarks.begin(), kLandmarks.end(), name);
      if (known != kLandmarks.end()) {
        landmarks_[static_cast<std::size_t>(known - kLandmarks.begin())] =
            ElfAddress{symbol.st_value};
      }
    }
    const bool code = type == STT_FUNC || type == STT_GNU_IFUNC;
    // Assembler leaves functions without a type; those without a size and type are mere labels.
    const bool untyped = type == STT_NOTYPE && symbol.st_size != 0;
    if ((!code && !untyped) || symbol.st_shndx == SHN_UNDEF || symbol.st_shndx == SHN_ABS) continue;
    if (symbol.st_name == 0 || symbol.st_name >= names.size()) continue;
    if (symbols_.size() == kMostSymbols) return;
    symbols_.push_back(
        {symbol.st_value,
         static_cast<std::uint32_t>(std::min<std::uint64_t>(symbol.st_size, 0xffffffff)),
         static_cast<std::uint32_t>(base + symbol.st_name)});
  }
}

void SymbolTable::add(ElfAddress start, std::uint64_t size, std::string_view name) {
  if (names_.size() + name.size() > 0xfffffffeU || symbols_.size() == kMostSymbols) return;
  symbols_.push_back({number(start),
                      static_cast<std::uint32_t>(std::min<std::uint64_t>(size, 0xffffffff)),
                      static_cast<std::uint32_t>(names_.size())});
  names_.insert(names_.end(), name.begin(), name.end());
  names_.push_back('\0');
}

void SymbolTable::finish() {
  // Among names of one place the first added wins, after those with a size.
  std::stable_sort(symbols_.begin(), symbols_.end(), [](const Symbol& a, const Symbol& b) {
    if (a.start != b.start) return a.start < b.start;
    return (a.size != 0) && (b.size == 0);
  });
  const auto same = [](const Symbol& a, const Symbol& b) { return a.start == b.start; };
  symbols_.erase(std::unique(symbols_.begin(), symbols_.end(), same), symbols_.end());
  symbols_.shrink_to_fit();
}

std::optional<SymbolName> SymbolTable::find(ElfAddress address) const noexcept {
  auto it =
      std::upper_bound(symbols_.begin(), symbols_.end(), number(address),
                       [](std::uint64_t at, const Symbol& symbol) { return at < symbol.start; });
  // A symbol may lie inside another (a label in assembler): look a few back for one that reaches.
  for (int tries = 0; tries < 8 && it != symbols_.begin(); ++tries) {
    --it;
    const std::uint64_t offset = number(address) - it->start;
    if (offset < (it->size != 0 ? it->size : kUnsizedReach)) {
      return SymbolName{name_at(it->name), offset};
    }
  }
  return std::nullopt;
}

std::optional<ElfAddress> SymbolTable::landmark(std::string_view name) const noexcept {
  for (std::size_t index = 0; index < kLandmarks.size(); ++index) {
    if (kLandmarks[index] == name) return landmarks_[index];
  }
  return std::nullopt;
}

void add_exports(const ImageSource& source, const ElfImage& elf, SymbolTable& table) {
  add_sections(source, elf, SHT_DYNSYM, table);
}

void add_symbols(const ImageSource& source, const ElfImage& elf, SymbolTable& table) {
  add_sections(source, elf, SHT_SYMTAB, table);
  add_sections(source, elf, SHT_DYNSYM, table);
  for (const PltStub& stub : find_plt_stubs(source, elf)) {
    table.add(stub.start, stub.size, stub.function + "@plt");
  }
}

}  // namespace plumb::detect
