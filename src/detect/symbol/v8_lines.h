// SPDX-License-Identifier: Apache-2.0
// V8Lines: from a position in a script's source to its line, by the source text in V8's heap, where
// V8 itself counts lines only when somebody asks for them. The ends of a source's lines are kept.
//
// Threads: one at a time. The heap must outlive it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "detect/symbol/v8_heap.h"

namespace plumb::detect {

class V8Lines {
 public:
  static constexpr std::uint32_t kLongestSource = 32U << 20U;  // characters
  static constexpr std::size_t kMostSources = 256;
  static constexpr std::size_t kMostEnds = 4U << 20U;  // of lines, of all sources together

  explicit V8Lines(const V8Heap& heap) : heap_(&heap) {}

  // From 0. Nothing for longer sources, and where it cannot be read.
  std::optional<std::uint32_t> line(const V8Heap::Characters& source, std::uint32_t position);

 private:
  struct Source {
    V8Heap::Characters where;
    std::vector<std::uint32_t> ends;  // positions of the lines' last characters
    bool whole = false;
  };
  const Source& source(const V8Heap::Characters& where);
  void read_ends(Source& source) const;

  const V8Heap* heap_;
  std::vector<Source> sources_;
  std::size_t ends_ = 0;
};

}  // namespace plumb::detect
