// SPDX-License-Identifier: Apache-2.0
// From the ring buffer's bytes and the ledger's rows to facts. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "detect/record/trace_event.h"
#include "detect/source/bpf/trace_abi.h"

namespace plumb::detect {

// Nothing for a record that is shorter than its type says, or of no type.
std::optional<TraceEvent> decode(std::span<const std::byte> record);

LiveHolding to_fact(const abi::trace_holding_key& key, const abi::trace_holding& holding);
LiveHolding to_fact(const abi::trace_resource_key& key, const abi::trace_resource& resource);

}  // namespace plumb::detect
