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

// What a run is limited to; the default is everything there is.
struct IteratorScope {
  // One process, with all its threads: f0d74c4da1f0 ("bpf: Parameterize task iterators."), 6.1.
  // Before it the attachment fails with EINVAL or E2BIG.
  std::optional<Pid> process;
  // Reads ahead on a thread of its own while `take` works on what was read: worth it for many rows,
  // where either side costs a tenth of a second.
  bool read_ahead = false;
};

// Calls `take`, on the caller's thread, with whole rows as the program wrote them, until there are
// no more. Errors: of the
// attachment (with advice), and of a read: then `take` saw only a part.
Result<void> run_iterator(bpf_program& program, const IteratorScope& scope,
                          const std::function<void(std::span<const std::byte>)>& take);

}  // namespace plumb::detect
