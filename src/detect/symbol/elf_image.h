// SPDX-License-Identifier: Apache-2.0
// ElfImage: the table of contents of a 64-bit x86 ELF file (System V ABI, "Object Files"):
// segments, sections, build id, debug link. Holds no bytes of the file beyond that; contents are
// loaded from the ImageSource by whoever needs them. Every number in the file is untrusted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/record/address.h"
#include "detect/record/build_id.h"
#include "detect/symbol/image.h"
#include "plumb/base/result.h"

namespace plumb::detect {

struct ElfSegment {  // PT_LOAD
  ElfAddress address{};
  std::uint64_t file_offset = 0;
  std::uint64_t file_size = 0;
  std::uint64_t memory_size = 0;
  bool executable = false;
  bool writable = false;
};

struct ElfSection {
  std::string name;
  std::uint32_t type = 0;
  std::uint64_t flags = 0;
  ElfAddress address{};
  std::uint64_t file_offset = 0;
  std::uint64_t size = 0;
  std::uint32_t link = 0;  // index of a related section
};

// .gnu_debuglink: the file with the debug information, and the CRC-32 of that file.
struct DebugLink {
  std::string file_name;
  std::uint32_t crc = 0;
};

class ElfImage {
 public:
  static constexpr std::size_t kMostSegments = 4096;
  static constexpr std::size_t kMostSections = 65536;

  // Errors: ENOEXEC with the reason when this is no little-endian 64-bit x86 ELF file.
  static Result<ElfImage> parse(const ImageSource& source);

  const std::vector<ElfSegment>& segments() const noexcept { return segments_; }
  const std::vector<ElfSection>& sections() const noexcept { return sections_; }
  // The first section of that name, or null. Absent in files without section headers.
  const ElfSection* section(std::string_view name) const noexcept;

  const BuildId& build_id() const noexcept { return build_id_; }
  const std::optional<DebugLink>& debug_link() const noexcept { return debug_link_; }
  ElfAddress entry() const noexcept { return entry_; }
  // Where PT_GNU_EH_FRAME says that .eh_frame_hdr is.
  std::optional<ElfAddress> eh_frame_hdr() const noexcept { return eh_frame_hdr_; }

  // From a place in the file to where the linker put it, and back; by PT_LOAD.
  std::optional<ElfAddress> address_at(std::uint64_t file_offset) const noexcept;
  std::optional<std::uint64_t> offset_of(ElfAddress address) const noexcept;
  // How many bytes of the file follow `address` within its segment; 0 outside.
  std::uint64_t bytes_from(ElfAddress address) const noexcept;

  // A section's content; empty when it has none in the file or is longer than `limit`.
  static std::vector<std::byte> load(const ImageSource& source, const ElfSection& section,
                                     std::uint64_t limit);

 private:
  struct Header;
  void read_segments(const ImageSource& source, const Header& header);
  void read_sections(const ImageSource& source, const Header& header);
  void read_build_id(const ImageSource& source, std::uint64_t offset, std::uint64_t size);
  void read_debug_link(const ImageSource& source);

  std::vector<ElfSegment> segments_;
  std::vector<ElfSection> sections_;
  BuildId build_id_;
  std::optional<DebugLink> debug_link_;
  std::optional<ElfAddress> eh_frame_hdr_;
  ElfAddress entry_{};
};

}  // namespace plumb::detect
