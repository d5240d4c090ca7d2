// SPDX-License-Identifier: Apache-2.0
// V8Scope: a function's name and place in its script, out of its ScopeInfo. Which of the optional
// words a ScopeInfo has is written in flags that V8 does not export; they are told by what they
// are, and a place is believed only where the source has a function there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "detect/symbol/v8_heap.h"

namespace plumb::detect {

struct V8Scope {
  std::string name;                    // empty: it has none
  std::optional<std::uint32_t> start;  // position in the source
  bool whole = false;                  // it is all of the source: the file's own code

  // Nothing for what is no ScopeInfo. Without `source` it has no start.
  static std::optional<V8Scope> read(const V8Heap& heap, std::uint64_t scope,
                                     const std::optional<V8Heap::Characters>& source);
};

}  // namespace plumb::detect
