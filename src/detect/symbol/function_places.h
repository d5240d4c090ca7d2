// SPDX-License-Identifier: Apache-2.0
// Where functions are in a file, by the names of its symbols, and the extent of the code around
// them. For placing probes.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "detect/symbol/elf_image.h"
#include "detect/symbol/image.h"

namespace plumb::detect {

struct FunctionPlaces {
  std::map<std::string, std::uint64_t> offsets;  // in the file, of those that it has
  std::uint64_t code_begin = 0;  // of the segment with the first of them, in the file
  std::uint64_t code_end = 0;
  bool go = false;       // built by Go: a watched return would corrupt its moving stacks
  bool usdt = false;     // has probes of the provider "plumb"
  bool library = false;  // has a name for the linker (DT_SONAME), so that it is nobody's program
};

// Of the names that .dynsym and .symtab have, and of several versions the one that programs are
// linked with now; functions that are chosen at run time (IFUNC) are
// left out. Bounded as SymbolTable is.
FunctionPlaces find_functions(const ImageSource& source, const ElfImage& elf,
                              std::span<const std::string> names);

}  // namespace plumb::detect
