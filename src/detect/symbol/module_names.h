// SPDX-License-Identifier: Apache-2.0
// ModuleNames: names of one module's functions and lines of its source, from everything that says
// anything: its own symbol tables, mini debug information, separate debug files.
#pragma once

#include <memory>
#include <optional>

#include "detect/symbol/debug_lines.h"
#include "detect/symbol/elf_image.h"
#include "detect/symbol/process_access.h"
#include "detect/symbol/symbol_table.h"

namespace plumb::detect {

struct ModuleNames {
  SymbolTable symbols;
  std::unique_ptr<DebugLines> lines;  // null: function names only
};

// Reads them. `image` is the module's own file, `process` one that has it mapped.
ModuleNames load_names(const ImageSource& image, const ElfImage& elf, const std::string& path,
                       const ProcessAccess& access, Pid process);

}  // namespace plumb::detect
