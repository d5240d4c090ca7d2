// SPDX-License-Identifier: Apache-2.0
// Running a BPF iterator: each run is a link, a file made of it, and reads until its end.
#pragma once

#include <bpf/libbpf.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <span>

#include "plumb/base/ids.h"
#include "plumb/base/result.h"

namespace plumb::detect {

// What a run is limited to: one process with all its threads, or nothing. Kernels before
// f0d74c4da1f0 ("bpf: Parameterize task iterators."), 6.1, refuse the former with EINVAL or E2BIG.
using IteratorScope = std::optional<Pid>;

// Takes whole rows as the program wrote them, on the caller's thread.
using TakeRows = std::function<void(std::span<const std::byte>)>;

// Runs it once over what the scope says. Errors: of the attachment (with advice), and of a read:
// then `take` saw only a part.
Result<void> run_iterator(bpf_program& program, const IteratorScope& scope, const TakeRows& take);

// Runs it once over the elements of a map, whose descriptor this is.
Result<void> run_map_iterator(bpf_program& program, int map, const TakeRows& take);

// Runs it once for each scope, on kReaders threads of its own that read ahead of `take`; the rows
// come in the order of the scopes all the same. Worth it for many rows: the kernel takes 0.3 us for
// each, and two threads take half as long. Errors: as above, of the first run that fails.
constexpr std::size_t kReaders = 2;  // as fast as what becomes of the rows; more would only wait
Result<void> run_iterators(bpf_program& program, std::span<const IteratorScope> scopes,
                           const TakeRows& take);

}  // namespace plumb::detect
