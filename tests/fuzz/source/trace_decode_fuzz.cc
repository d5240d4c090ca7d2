// SPDX-License-Identifier: Apache-2.0
// Any bytes as a record of the tracing programs: what comes out is within its bounds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "detect/record/resource_kind.h"
#include "detect/source/trace_decode.h"

namespace {

bool is_known(plumb::detect::Kind kind) {
  return kind <= plumb::detect::Kind::kMountContext ||
         plumb::detect::resource_kind(kind) != nullptr;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb::detect;
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto event = decode(bytes);
  if (!event) return 0;
  if (const auto* stack = std::get_if<StackEvent>(&*event)) {
    if (stack->addresses.size() > abi::kTraceFrames || stack->copy.size() > size) std::abort();
    if (!is_known(stack->kind)) std::abort();
  } else if (const auto* closed = std::get_if<ClosedEvent>(&*event)) {
    if (!is_known(closed->holding.kind)) std::abort();
  } else if (const auto* process = std::get_if<ProcessEvent>(&*event)) {
    if (process->name.size() > 16) std::abort();
  }
  return 0;
}
