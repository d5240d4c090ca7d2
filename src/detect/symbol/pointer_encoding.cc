// SPDX-License-Identifier: Apache-2.0
// Reading of DW_EH_PE_* encoded pointers.
#include "detect/symbol/pointer_encoding.h"

#include <dwarf.h>

namespace plumb::detect {
namespace {

constexpr std::uint8_t kFormatMask = 0x0f;
constexpr std::uint8_t kBaseMask = 0x70;

template <typename Signed>
std::uint64_t extended(ByteReader& reader) noexcept {
  return static_cast<std::uint64_t>(std::int64_t{reader.read<Signed>()});
}

}  // namespace

std::optional<std::uint64_t> PointerEncoding::read_length(ByteReader& reader) const noexcept {
  std::uint64_t value = 0;
  switch (code_ & kFormatMask) {
    case DW_EH_PE_absptr:
    case DW_EH_PE_udata8:
    case DW_EH_PE_sdata8:
      value = reader.read<std::uint64_t>();
      break;
    case DW_EH_PE_uleb128:
      value = reader.uleb();
      break;
    case DW_EH_PE_sleb128:
      value = static_cast<std::uint64_t>(reader.sleb());
      break;
    case DW_EH_PE_udata2:
      value = reader.read<std::uint16_t>();
      break;
    case DW_EH_PE_sdata2:
      value = extended<std::int16_t>(reader);
      break;
    case DW_EH_PE_udata4:
      value = reader.read<std::uint32_t>();
      break;
    case DW_EH_PE_sdata4:
      value = extended<std::int32_t>(reader);
      break;
    default:
      return std::nullopt;
  }
  if (!reader.ok()) return std::nullopt;
  return value;
}

std::optional<ElfAddress> PointerEncoding::read(ByteReader& reader, ElfAddress section_address,
                                                ElfAddress data_base) const noexcept {
  if (omitted() || (code_ & DW_EH_PE_indirect) != 0) return std::nullopt;
  const ElfAddress here = section_address + reader.position();
  const auto value = read_length(reader);
  if (!value) return std::nullopt;
  switch (code_ & kBaseMask) {
    case DW_EH_PE_absptr:
      return ElfAddress{*value};
    case DW_EH_PE_pcrel:
      return here + *value;
    case DW_EH_PE_datarel:
      return data_base + *value;
    default:
      return std::nullopt;
  }
}

}  // namespace plumb::detect
