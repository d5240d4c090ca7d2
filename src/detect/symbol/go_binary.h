// SPDX-License-Identifier: Apache-2.0
// Finding the Go table, and what belongs to it, in a Go binary: by section, by magic in binaries
// without section headers, position-independent or not.
#pragma once

#include <optional>

#include "detect/symbol/elf_image.h"
#include "detect/symbol/go_table.h"

namespace plumb::detect {

// Nothing for files that are not built by Go 1.16 or later.
std::optional<GoTable> find_go_table(const ImageSource& source, const ElfImage& elf);

}  // namespace plumb::detect
