// SPDX-License-Identifier: Apache-2.0
// The columns of `plumb ls`, one row of a table each: what it is called, what it says, how it
// sorts.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detect/model/joined.h"
#include "detect/report/terminal.h"

namespace plumb::detect {

struct Column {
  std::string_view name;     // what --columns and --sort take
  std::string_view heading;  // what stands above it
  std::string_view help;     // one line for --list-columns
  Align align = Align::kLeft;
  bool flexible = false;  // takes the room that the others leave, and is cut to it
  Tone tone = Tone::kPlain;
  // Appends the cell: clean text without a new line; nothing where there is nothing to say.
  void (*append)(std::string& out, const Joined& joined, DescriptorIndex d) = nullptr;
  // What it sorts by where that is a number; by the cell's text where this is null. Nothing for a
  // row that has none: it comes last.
  std::optional<std::uint64_t> (*rank)(const Joined& joined, DescriptorIndex d) = nullptr;
  bool biggest_first = false;  // how --sort has it
};

std::span<const Column> all_columns();
const Column* column_named(std::string_view name);

// The columns for a line of this many cells (0: as many as it takes). They fit 100 cells; wider
// ones say more.
std::vector<const Column*> default_columns(std::size_t width);

}  // namespace plumb::detect
