// SPDX-License-Identifier: Apache-2.0
// How wide the columns of a list are.
#pragma once

#include <cstddef>
#include <vector>

namespace plumb::detect {

// What a column wants, in cells, from its heading and a sample of its cells.
struct ColumnWish {
  bool flexible = false;  // may get less than it wants
  std::size_t usual = 0;  // enough for nine cells of ten
  std::size_t most = 0;   // enough for all
};

// Widths for a line of `width` cells with `gap` cells between columns. What is not flexible gets
// all that it wants. The flexible ones first share the rest up to what they usually need, so that
// one monstrous name does not take the room of a whole column; what is then left goes to those that
// want more, from the left. None gets less than 8 cells, and then the line is longer than the
// paper.
std::vector<std::size_t> share_width(const std::vector<ColumnWish>& wishes, std::size_t width,
                                     std::size_t gap);

}  // namespace plumb::detect
