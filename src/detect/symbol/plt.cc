// SPDX-License-Identifier: Apache-2.0
// Reading of PLT stubs.
#include "detect/symbol/plt.h"

#include <elf.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "detect/symbol/byte_reader.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kMostBytes = 16U << 20U;
constexpr std::size_t kLongestName = 4096;

using SlotNames = std::unordered_map<std::uint64_t, std::string>;

void add_slots(const ImageSource& source, const ElfImage& elf, const ElfSection& relocations,
               SlotNames& slots) {
  const auto& sections = elf.sections();
  if (relocations.link >= sections.size()) return;
  const ElfSection& symbols = sections[relocations.link];
  if (symbols.link >= sections.size()) return;
  const auto rela = ElfImage::load(source, relocations, kMostBytes);
  const auto table = ElfImage::load(source, symbols, kMostBytes);
  const auto names = ElfImage::load(source, sections[symbols.link], kMostBytes);
  for (ByteReader reader(rela); reader.remaining() >= sizeof(Elf64_Rela);) {
    const auto entry = reader.read<Elf64_Rela>();
    const auto type = ELF64_R_TYPE(entry.r_info);
    if (type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT) continue;
    const std::uint64_t at = ELF64_R_SYM(entry.r_info) * sizeof(Elf64_Sym);
    if (at >= table.size()) continue;
    const auto symbol = ByteReader(table, at).read<Elf64_Sym>();
    if (symbol.st_name >= names.size()) continue;
    const auto rest = std::span(names).subspan(symbol.st_name);
    const std::string_view name =
        ByteReader(rest.first(std::min(rest.size(), kLongestName))).c_string();
    if (!name.empty()) slots.emplace(entry.r_offset, name);
  }
}

// The slot that the stub jumps through: [endbr64] [bnd] jmp *disp32(%rip).
std::optional<std::uint64_t> slot_of(std::span<const std::byte> stub, ElfAddress address) {
  ByteReader reader(stub);
  if (stub.size() >= 4 && reader.read<std::uint32_t>() != 0xfa1e0ff3) reader.seek(0);
  const std::size_t after_endbr = reader.position();
  if (reader.read<std::uint8_t>() != 0xf2) reader.seek(after_endbr);
  if (reader.read<std::uint8_t>() != 0xff || reader.read<std::uint8_t>() != 0x25) {
    return std::nullopt;
  }
  const auto distance = static_cast<std::uint64_t>(std::int64_t{reader.read<std::int32_t>()});
  if (!reader.ok()) return std::nullopt;
  return number(address) + reader.position() + distance;
}

}  // namespace

std::vector<PltStub> find_plt_stubs(const ImageSource& source, const ElfImage& elf) {
  std::vector<PltStub> stubs;
  SlotNames slots;
  for (const char* name : {".rela.plt", ".rela.dyn"}) {
    if (const ElfSection* section = elf.section(name)) add_slots(source, elf, *section, slots);
  }
  if (slots.empty()) return stubs;
  for (const char* name : {".plt", ".plt.got", ".plt.sec"}) {
    const ElfSection* section = elf.section(name);
    if (section == nullptr) continue;
    const auto code = ElfImage::load(source, *section, kMostBytes);
    // Stubs are 16 bytes, in .plt.got without endbr64 8.
    const std::size_t size = std::string_view(name) == ".plt.got" ? 8 : 16;
    for (std::size_t at = 0; at + size <= code.size(); at += size) {
      const ElfAddress address = section->address + at;
      const auto slot = slot_of(std::span(code).subspan(at, size), address);
      const auto known = slot ? slots.find(*slot) : slots.end();
      if (known != slots.end()) stubs.push_back({address, size, known->second});
    }
  }
  return stubs;
}

}  // namespace plumb::detect
