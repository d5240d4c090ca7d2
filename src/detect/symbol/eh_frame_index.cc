// SPDX-License-Identifier: Apache-2.0
// Reading and searching .eh_frame_hdr.
#include "detect/symbol/eh_frame_index.h"

#include <dwarf.h>

#include <algorithm>
#include <cstring>

#include "detect/symbol/byte_reader.h"
#include "detect/symbol/pointer_encoding.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMostHeader = 4 + 8 + 8;
constexpr std::uint8_t kPairs = DW_EH_PE_datarel | DW_EH_PE_sdata4;

}  // namespace

std::optional<EhFrameIndex> EhFrameIndex::read(const ImageSource& source, const ElfImage& elf) {
  if (!elf.eh_frame_hdr()) return std::nullopt;
  EhFrameIndex index;
  index.base_ = *elf.eh_frame_hdr();
  const auto at = elf.offset_of(index.base_);
  if (!at) return std::nullopt;
  std::vector<std::byte> header(kMostHeader);
  header.resize(source.read(*at, header));
  ByteReader reader(header);
  const bool known = reader.read<std::uint8_t>() == 1;
  const PointerEncoding section(reader.read<std::uint8_t>());
  const PointerEncoding counter(reader.read<std::uint8_t>());
  const auto pairs = reader.read<std::uint8_t>();
  const auto eh_frame = section.read(reader, index.base_, index.base_);
  const auto count = counter.omitted() ? std::nullopt : counter.read_length(reader);
  if (!known || pairs != kPairs || !eh_frame || !count || !reader.ok()) return std::nullopt;
  if (*count == 0 || *count > kMostRows) return std::nullopt;
  const auto bytes =
      source.load(*at + reader.position(), *count * sizeof(Row), kMostRows * sizeof(Row));
  if (bytes.empty()) return std::nullopt;
  index.rows_.resize(*count);
  std::memcpy(index.rows_.data(), bytes.data(), bytes.size());
  if (!std::ranges::is_sorted(index.rows_, {}, &Row::start)) return std::nullopt;
  return index;
}

std::optional<ElfAddress> EhFrameIndex::entry_for(ElfAddress address) const noexcept {
  const auto from_base = static_cast<std::int64_t>(number(address) - number(base_));
  const auto after = std::ranges::upper_bound(
      rows_, from_base, {}, [](const Row& row) { return std::int64_t{row.start}; });
  if (after == rows_.begin()) return std::nullopt;
  const std::int64_t entry = (after - 1)->entry;
  return ElfAddress{number(base_) + static_cast<std::uint64_t>(entry)};
}

}  // namespace plumb::detect
