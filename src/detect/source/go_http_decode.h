// SPDX-License-Identifier: Apache-2.0
// The probes' rows as plain values. Pure; lengths and texts are the target's and untrusted.
#pragma once

#include "detect/record/go_request.h"
#include "detect/source/bpf/go_http_abi.h"

namespace plumb::detect {

GoRequest decode(const abi::go_request& row, std::uint64_t connection);

}  // namespace plumb::detect
