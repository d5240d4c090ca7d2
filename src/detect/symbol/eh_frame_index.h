// SPDX-License-Identifier: Apache-2.0
// EhFrameIndex: the sorted table of .eh_frame_hdr (Linux Standard Base, "Exception Frame Header"):
// which entry of .eh_frame is about the function at an address. With it the rules of one function
// are read in microseconds, where all of node's 100 MB take a second.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "detect/record/address.h"
#include "detect/symbol/elf_image.h"

namespace plumb::detect {

class EhFrameIndex {
 public:
  static constexpr std::uint64_t kMostRows = 8U << 20U;

  // Nothing where the file has none, where it is not sorted, or in another format than linkers
  // write (pairs of four bytes, counted from the header).
  static std::optional<EhFrameIndex> read(const ImageSource& source, const ElfImage& elf);

  // The address of the entry of the last function that begins at `address` or before.
  std::optional<ElfAddress> entry_for(ElfAddress address) const noexcept;

 private:
  struct Row {
    std::int32_t start;
    std::int32_t entry;
  };

  ElfAddress base_{};
  std::vector<Row> rows_;
};

}  // namespace plumb::detect
