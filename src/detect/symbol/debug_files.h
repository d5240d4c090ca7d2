// SPDX-License-Identifier: Apache-2.0
// Where distributions put the debug information that they take out of binaries: by build id and by
// .gnu_debuglink (GDB manual, "Separate Debug Files").
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "detect/record/build_id.h"
#include "detect/symbol/elf_image.h"
#include "detect/symbol/process_access.h"

namespace plumb::detect {

// The places to look in, best first; absolute paths.
std::vector<std::string> debug_file_paths(const BuildId& build_id,
                                          const std::optional<DebugLink>& link,
                                          const std::string& module_path);

// The debug file of a module, looked for in the process's own root first (a container brings its
// own), then in plumb's. Believed only when its build id is the module's or, without build ids, its
// CRC is the link's. Null when there is none.
std::unique_ptr<FileImage> find_debug_file(const ProcessAccess& access, Pid process,
                                           const ElfImage& elf, const std::string& module_path);

// The CRC-32 of .gnu_debuglink (that of zlib and IEEE 802.3), read in pieces; nothing for files
// over 1 GiB.
std::optional<std::uint32_t> crc32_of(const ImageSource& source);

}  // namespace plumb::detect
