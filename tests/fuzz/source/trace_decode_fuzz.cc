// SPDX-License-Identifier: Apache-2.0
// Any bytes as a record of the tracing programs: what comes out is within its bounds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "detect/source/trace_decode.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb::detect;
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto event = decode(bytes);
  if (!event) return 0;
  if (const auto* stack = std::get_if<StackEvent>(&*event)) {
    if (stack->addresses.size() > abi::kTraceFrames || stack->copy.size() > size) std::abort();
    if (stack->kind > Kind::kMountContext) std::abort();
  } else if (const auto* closed = std::get_if<ClosedEvent>(&*event)) {
    if (closed->holding.kind > Kind::kMountContext) std::abort();
  } else if (const auto* process = std::get_if<ProcessEvent>(&*event)) {
    if (process->name.size() > 16) std::abort();
  }
  return 0;
}
