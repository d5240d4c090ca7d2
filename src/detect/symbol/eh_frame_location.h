// SPDX-License-Identifier: Apache-2.0
// Where a module keeps its call frame information: by section name, and through PT_GNU_EH_FRAME in
// files whose section headers were stripped away.
#pragma once

#include <vector>

#include "detect/symbol/eh_frame.h"
#include "detect/symbol/elf_image.h"

namespace plumb::detect {

struct CfiBytes {
  CfiFormat format = CfiFormat::kEhFrame;
  std::vector<std::byte> bytes;
  ElfAddress address{};
  ElfAddress data_base{};
};

// All of it, .eh_frame first; at most 64 MiB a section (LLVM's has 5 MiB).
std::vector<CfiBytes> find_cfi(const ImageSource& source, const ElfImage& elf);

}  // namespace plumb::detect
