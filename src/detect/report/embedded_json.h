// SPDX-License-Identifier: Apache-2.0
// Records within a page: JSON lines as one list that a script element can hold.
#pragma once

#include <string>
#include <string_view>

namespace plumb::detect {

// The page with the records, one object a line, as a list in place of the word PLUMB_DATA. A < is
// written as \u003c: within a script element only "</" and "<!--" mean something.
std::string page_with(std::string_view page, std::string_view lines);

}  // namespace plumb::detect
