// SPDX-License-Identifier: Apache-2.0
// Finding .eh_frame and .debug_frame.
#include "detect/symbol/eh_frame_location.h"

#include <elf.h>

#include <optional>

#include "detect/symbol/byte_reader.h"
#include "detect/symbol/pointer_encoding.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kMostBytes = 64U << 20U;
constexpr std::size_t kHeaderBytes = 16;

// .eh_frame_hdr begins with version 1, three encodings, and the address of .eh_frame; how long that
// is, nobody says, so it is taken to go on to the end of its segment (a terminator comes before).
std::optional<CfiBytes> through_header(const ImageSource& source, const ElfImage& elf) {
  if (!elf.eh_frame_hdr()) return std::nullopt;
  const auto header_at = elf.offset_of(*elf.eh_frame_hdr());
  if (!header_at) return std::nullopt;
  const auto header = source.load(*header_at, kHeaderBytes, kHeaderBytes);
  ByteReader reader(header);
  if (reader.read<std::uint8_t>() != 1) return std::nullopt;
  const PointerEncoding encoding(reader.read<std::uint8_t>());
  reader.skip(2);
  const auto address = encoding.read(reader, *elf.eh_frame_hdr(), *elf.eh_frame_hdr());
  if (!address) return std::nullopt;
  const auto offset = elf.offset_of(*address);
  if (!offset) return std::nullopt;
  return CfiBytes{CfiFormat::kEhFrame, source.load(*offset, elf.bytes_from(*address), kMostBytes),
                  *address, *elf.eh_frame_hdr()};
}

}  // namespace

std::vector<CfiBytes> find_cfi(const ImageSource& source, const ElfImage& elf) {
  std::vector<CfiBytes> found;
  if (const ElfSection* section = elf.section(".eh_frame")) {
    found.push_back({CfiFormat::kEhFrame, ElfImage::load(source, *section, kMostBytes),
                     section->address, elf.eh_frame_hdr().value_or(ElfAddress{})});
  } else if (auto hidden = through_header(source, elf)) {
    found.push_back(*std::move(hidden));
  }
  const ElfSection* debug = elf.section(".debug_frame");
  if (debug != nullptr && (debug->flags & SHF_COMPRESSED) == 0) {
    found.push_back({CfiFormat::kDebugFrame, ElfImage::load(source, *debug, kMostBytes),
                     debug->address, ElfAddress{}});
  }
  return found;
}

}  // namespace plumb::detect
