// SPDX-License-Identifier: Apache-2.0
// Reading what a process that stands still has written into its memory: its stacks, its data and
// its heap, and not the pages of files that it only reads.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "plumb/base/ids.h"
#include "plumb/base/result.h"

namespace plumb::detect {

// Words of 8 bytes, as they stand from an address on.
using MemoryVisitor =
    std::function<void(std::uint64_t address, std::span<const std::uint64_t> words)>;

// At most so much of one process: 16 GiB take four seconds.
inline constexpr std::uint64_t kMostWrittenMemory = std::uint64_t{16} << 30;

// By maps, pagemap and mem of one of its threads that is still there: private pages that were
// written, shared memory that can be; not devices. What lies below `stack_pointer` in its stack has
// been left and is passed over. Needs what ptrace(2) needs. Errors: of open and read; E2BIG where
// it is too much.
Result<void> visit_written_memory(Tid thread, std::uint64_t stack_pointer,
                                  const MemoryVisitor& visit);

}  // namespace plumb::detect
