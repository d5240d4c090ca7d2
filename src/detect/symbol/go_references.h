// SPDX-License-Identifier: Apache-2.0
// What a piece of x86-64 code refers to. A stripped Go binary has no symbol for a variable of the
// runtime, but it has the names of all functions, and the functions name their variables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "detect/record/address.h"

namespace plumb::detect {

// Every address that `code`, which stands at `at`, may refer to relative to rip: each byte is tried
// as the ModRM byte of an instruction, so most answers are chance. Whoever asks throws away those
// that do not lead to what he looks for. Sorted, each once.
std::vector<Address> rip_references(std::span<const std::byte> code, Address at);

}  // namespace plumb::detect
