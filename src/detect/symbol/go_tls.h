// SPDX-License-Identifier: Apache-2.0
// Finding Go's crypto/tls in a binary, stripped or not, and where its Read has what it read.
//
// A probe costs 2 us on a call or a jump, which the kernel acts out by itself, and 16 us in a
// virtual machine on a return, which it steps through.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "detect/record/go_tls_places.h"
#include "detect/symbol/go_table.h"

namespace plumb::detect {

// Offsets in `code`, the bytes of `function`, of its return instructions: what the table says
// stands at the return address, after it stood above it, and is a RET. No probe at a return by the
// kernel's means: that puts an address of its own on a stack that Go moves.
std::vector<std::uint64_t> go_returns(const GoTable& table, const GoTable::Function& function,
                                      std::span<const std::byte> code);

// Nothing where the file is no Go binary, or has no crypto/tls whose conventions are known (those
// of Go 1.17 and later).
std::optional<GoTlsPlaces> find_go_tls(const std::string& path);

}  // namespace plumb::detect
