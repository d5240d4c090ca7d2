// SPDX-License-Identifier: Apache-2.0
// Names for PLT stubs, which no symbol table has: a stub jumps through a slot of the global offset
// table, and a relocation names the function of that slot (psABI, 5.2). Reading the jump itself
// covers .plt, .plt.got and .plt.sec alike.
#pragma once

#include <string>
#include <vector>

#include "detect/symbol/elf_image.h"

namespace plumb::detect {

struct PltStub {
  ElfAddress start{};
  std::uint64_t size = 0;
  std::string function;  // mangled
};

std::vector<PltStub> find_plt_stubs(const ImageSource& source, const ElfImage& elf);

}  // namespace plumb::detect
