// SPDX-License-Identifier: Apache-2.0
// Parsing of ELF headers, notes and debug links.
#include "detect/symbol/elf_image.h"

#include <elf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "detect/symbol/byte_reader.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kMostNameBytes = 16U << 20U;
constexpr std::uint64_t kMostNoteBytes = 64U << 10U;

Error not_elf(const char* why) {
  return fail("read ELF header", "", ENOEXEC, why);
}

std::uint64_t align4(std::uint64_t value) {
  return (value + 3) & ~std::uint64_t{3};
}

}  // namespace

struct ElfImage::Header {
  Elf64_Ehdr raw{};
  std::uint64_t section_count = 0;
  std::uint32_t names_index = 0;
};

Result<ElfImage> ElfImage::parse(const ImageSource& source) {
  Header header;
  Elf64_Ehdr& raw = header.raw;
  if (source.read(0, std::as_writable_bytes(std::span(&raw, 1))) != sizeof(raw)) {
    return not_elf("shorter than an ELF header");
  }
  if (std::memcmp(raw.e_ident, ELFMAG, SELFMAG) != 0) return not_elf("no ELF magic");
  if (raw.e_ident[EI_CLASS] != ELFCLASS64 || raw.e_ident[EI_DATA] != ELFDATA2LSB ||
      raw.e_machine != EM_X86_64) {
    return not_elf("not 64-bit x86");
  }
  ElfImage image;
  image.entry_ = ElfAddress{raw.e_entry};
  image.read_segments(source, header);
  header.section_count = raw.e_shnum;
  header.names_index = raw.e_shstrndx;
  image.read_sections(source, header);
  image.read_debug_link(source);
  return image;
}

void ElfImage::read_segments(const ImageSource& source, const Header& header) {
  if (header.raw.e_phentsize != sizeof(Elf64_Phdr)) return;
  const auto bytes =
      source.load(header.raw.e_phoff, std::uint64_t{header.raw.e_phnum} * sizeof(Elf64_Phdr),
                  kMostSegments * sizeof(Elf64_Phdr));
  for (ByteReader reader(bytes); reader.remaining() >= sizeof(Elf64_Phdr);) {
    const auto segment = reader.read<Elf64_Phdr>();
    if (segment.p_type == PT_LOAD) {
      segments_.push_back({ElfAddress{segment.p_vaddr}, segment.p_offset, segment.p_filesz,
                           segment.p_memsz, (segment.p_flags & PF_X) != 0,
                           (segment.p_flags & PF_W) != 0});
    } else if (segment.p_type == PT_GNU_EH_FRAME) {
      eh_frame_hdr_ = ElfAddress{segment.p_vaddr};
    } else if (segment.p_type == PT_NOTE && build_id_.empty()) {
      read_build_id(source, segment.p_offset, segment.p_filesz);
    }
  }
}

void ElfImage::read_sections(const ImageSource& source, const Header& header) {
  if (header.raw.e_shoff == 0 || header.raw.e_shentsize != sizeof(Elf64_Shdr)) return;
  Elf64_Shdr first{};
  if (source.read(header.raw.e_shoff, std::as_writable_bytes(std::span(&first, 1))) !=
      sizeof(first)) {
    return;
  }
  // Counts that do not fit 16 bits stand in the first section header (gABI, "ELF Header").
  const std::uint64_t count = header.section_count != 0 ? header.section_count : first.sh_size;
  const std::uint32_t names_at =
      header.names_index == SHN_XINDEX ? first.sh_link : header.names_index;
  if (count > kMostSections) return;
  const auto bytes = source.load(header.raw.e_shoff, count * sizeof(Elf64_Shdr),
                                 kMostSections * sizeof(Elf64_Shdr));
  std::vector<Elf64_Shdr> raw(bytes.size() / sizeof(Elf64_Shdr));
  if (raw.empty()) return;
  std::memcpy(raw.data(), bytes.data(), raw.size() * sizeof(Elf64_Shdr));

  std::vector<std::byte> names;
  if (names_at < raw.size()) {
    names = source.load(raw[names_at].sh_offset, raw[names_at].sh_size, kMostNameBytes);
  }
  sections_.reserve(raw.size());
  for (const Elf64_Shdr& section : raw) {
    const std::string_view name = ByteReader(names, section.sh_name).c_string();
    sections_.push_back({std::string(name.substr(0, 256)), section.sh_type, section.sh_flags,
                         ElfAddress{section.sh_addr}, section.sh_offset, section.sh_size,
                         section.sh_link});
    if (section.sh_type == SHT_NOTE && build_id_.empty()) {
      read_build_id(source, section.sh_offset, section.sh_size);
    }
  }
}

void ElfImage::read_build_id(const ImageSource& source, std::uint64_t offset, std::uint64_t size) {
  const auto notes = source.load(offset, size, kMostNoteBytes);
  for (ByteReader reader(notes); reader.remaining() >= sizeof(Elf64_Nhdr);) {
    const auto note = reader.read<Elf64_Nhdr>();
    const auto name = reader.take(note.n_namesz);
    reader.skip(std::min(align4(note.n_namesz) - note.n_namesz, reader.remaining()));
    const auto content = reader.take(note.n_descsz);
    reader.skip(std::min(align4(note.n_descsz) - note.n_descsz, reader.remaining()));
    if (!reader.ok()) return;
    if (note.n_type == NT_GNU_BUILD_ID && name.size() == 4 &&
        std::memcmp(name.data(), "GNU", 4) == 0 && !content.empty()) {
      build_id_ = BuildId(content);
      return;
    }
  }
}

void ElfImage::read_debug_link(const ImageSource& source) {
  const ElfSection* link = section(".gnu_debuglink");
  if (link == nullptr) return;
  const auto bytes = load(source, *link, 4096);
  ByteReader reader(bytes);
  const std::string_view name = reader.c_string();
  reader.seek(align4(reader.position()));
  const auto crc = reader.read<std::uint32_t>();
  // A name with a slash would lead out of the folders that are searched.
  if (!reader.ok() || name.empty() || name.find('/') != std::string_view::npos) return;
  debug_link_ = DebugLink{std::string(name), crc};
}

const ElfSection* ElfImage::section(std::string_view name) const noexcept {
  const auto it = std::find_if(sections_.begin(), sections_.end(),
                               [name](const ElfSection& section) { return section.name == name; });
  return it == sections_.end() ? nullptr : &*it;
}

std::optional<ElfAddress> ElfImage::address_at(std::uint64_t file_offset) const noexcept {
  // Segments overlap in the file at page granularity; the executable one is who asks for code.
  const ElfSegment* found = nullptr;
  for (const ElfSegment& segment : segments_) {
    const bool holds =
        file_offset >= segment.file_offset && file_offset - segment.file_offset < segment.file_size;
    if (holds && (found == nullptr || segment.executable)) found = &segment;
  }
  if (found == nullptr) return std::nullopt;
  return found->address + (file_offset - found->file_offset);
}

std::optional<std::uint64_t> ElfImage::offset_of(ElfAddress address) const noexcept {
  for (const ElfSegment& segment : segments_) {
    const std::uint64_t into = number(address) - number(segment.address);
    if (address >= segment.address && into < segment.file_size) return segment.file_offset + into;
  }
  return std::nullopt;
}

std::uint64_t ElfImage::bytes_from(ElfAddress address) const noexcept {
  for (const ElfSegment& segment : segments_) {
    const std::uint64_t into = number(address) - number(segment.address);
    if (address >= segment.address && into < segment.file_size) return segment.file_size - into;
  }
  return 0;
}

std::vector<std::byte> ElfImage::load(const ImageSource& source, const ElfSection& section,
                                      std::uint64_t limit) {
  if (section.type == SHT_NOBITS) return {};
  return source.load(section.file_offset, section.size, limit);
}

}  // namespace plumb::detect
