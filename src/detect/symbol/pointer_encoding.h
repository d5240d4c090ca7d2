// SPDX-License-Identifier: Apache-2.0
// PointerEncoding: the DW_EH_PE_* byte that says how .eh_frame writes an address (Linux Standard
// Base, "DWARF Extensions").
#pragma once

#include <cstdint>
#include <optional>

#include "detect/record/address.h"
#include "detect/symbol/byte_reader.h"

namespace plumb::detect {

class PointerEncoding {
 public:
  PointerEncoding() = default;  // absolute, eight bytes
  explicit PointerEncoding(std::uint8_t code) noexcept : code_(code) {}

  bool omitted() const noexcept { return code_ == 0xff; }

  // Reads a pointer. `section_address` is where the reader's first byte is when loaded; `data_base`
  // is what DW_EH_PE_datarel counts from. Nothing for encodings that only a running process can
  // follow (indirect, function-relative).
  std::optional<ElfAddress> read(ByteReader& reader, ElfAddress section_address,
                                 ElfAddress data_base) const noexcept;

  // Reads a length: the same format, relative to nothing.
  std::optional<std::uint64_t> read_length(ByteReader& reader) const noexcept;

 private:
  std::uint8_t code_ = 0;
};

}  // namespace plumb::detect
