// SPDX-License-Identifier: Apache-2.0
// Unpacking of .gnu_debugdata: a symbol table that Fedora and others leave in stripped binaries as
// an xz-compressed ELF file (GDB manual, "MiniDebugInfo").
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "plumb/base/result.h"

namespace plumb::detect {

// The ELF file within. Errors: EBADMSG for what is no sound xz stream, EFBIG when it unpacks to
// more than 64 MiB or wants more than 64 MiB of memory to unpack.
Result<std::vector<std::byte>> unpack_xz(std::span<const std::byte> packed);

}  // namespace plumb::detect
