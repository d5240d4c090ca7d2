// SPDX-License-Identifier: Apache-2.0
// What a stack of JavaScript frames is made of: where V8 keeps the function of a frame, and one
// frame of it as it is taken down at the time of an event. Names are read later.
#pragma once

#include <cstdint>
#include <optional>

#include "detect/record/address.h"

namespace plumb::detect {

// What the kernel side follows: byte offsets, of V8's exported v8dbg_* constants. Pointers within
// V8's heap carry a tag of 1, which the offsets know nothing of.
struct V8FrameLayout {
  // From the frame pointer.
  std::int32_t frame_function = 0;
  std::int32_t frame_context = 0;
  // JSFunction
  std::uint32_t function_shared = 0;
  // SharedFunctionInfo
  std::uint32_t shared_script = 0;
  std::uint32_t shared_shape = 0;     // six bytes: length, parameters, distance of the first token
  std::uint32_t shared_identity = 0;  // four bytes: the function's number within its script
  // HeapObject, Map
  std::uint32_t object_map = 0;
  std::uint32_t map_type = 0;
  std::uint16_t shared_type = 0;  // the type's number of a SharedFunctionInfo
};

// One function on the stack. The collector may move what it points to, or put another thing in its
// place: it is the same function while script, shape and identity are the same there.
struct V8Sample {
  Address shared{};  // SharedFunctionInfo, tagged
  Address script{};  // Script, tagged
  std::uint64_t shape = 0;
  std::uint32_t identity = 0;
  std::optional<std::uint32_t> frame;  // index of the stack's address; none: found in the copy
  Address frame_pointer{};             // of the frame, where it was found in the copy

  friend bool operator==(const V8Sample&, const V8Sample&) = default;
};

}  // namespace plumb::detect
