// SPDX-License-Identifier: Apache-2.0
// TextPool: the names of a survey, back to back in one buffer. A million descriptors with a
// std::string each would cost 32 bytes apiece before the first character; a TextRef costs 8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace plumb::detect {

// Where a text stands in its pool. The default is the empty text.
struct TextRef {
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
  bool empty() const { return length == 0; }
  friend bool operator==(TextRef, TextRef) = default;
};

// Threads: none; one writer. Bounds: 4 GiB of text; beyond it add() returns the empty text.
class TextPool {
 public:
  TextRef add(std::string_view text);
  // The view is good until the next add().
  std::string_view at(TextRef ref) const {
    return std::string_view(bytes_).substr(ref.offset, ref.length);
  }
  std::size_t size() const { return bytes_.size(); }

 private:
  std::string bytes_;
  TextRef last_;  // neighbours are often equal: the 990 children of one program
};

}  // namespace plumb::detect
