// SPDX-License-Identifier: Apache-2.0
// Wrapping: a sentence in lines that fit the paper.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace plumb::detect {

// The words of a clean `text` in lines of at most `width` cells, each behind `indent`; the first
// behind `lead`. A word longer than a line is cut. Ends with a line break.
std::string wrap(std::string_view text, std::string_view lead, std::string_view indent,
                 std::size_t width);

}  // namespace plumb::detect
