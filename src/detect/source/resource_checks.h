// SPDX-License-Identifier: Apache-2.0
// Asking the kernel what is left of resources that the ledger holds, a function for each kind that
// can be asked about. The others are right as far as their hooks see everything.
#pragma once

#include <cstdint>
#include <span>

#include "detect/record/kind.h"
#include "plumb/base/ids.h"

namespace plumb::detect {

struct CheckedResource {
  std::uint64_t identity = 0;
  std::uint64_t bytes = 0;  // as known; the check writes what is left
  bool gone = false;        // the check says so
};

// `rows` are all of one kind that a process holds, by identity. False where it could not be asked:
// then nothing is to be concluded.
using ResourceCheck = bool (*)(Pid process, std::span<CheckedResource> rows);

// Null for a kind about which the kernel cannot be asked.
ResourceCheck check_of(Kind kind);

}  // namespace plumb::detect
