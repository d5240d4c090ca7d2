// SPDX-License-Identifier: Apache-2.0
// Making the cells of a list shorter where they do not fit: what tells least goes first.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace plumb::detect {

// A clean cell in at most `width` cells; exactly the cell where it fits. Parts behind " · " go
// first. Then, of addresses ("127.0.0.1:80 ↔ :40000", in the column "name"), the own address but
// not its port; of holders ("→ a(1) fd 2, 3 more = b(4) fd 5", in the columns "with", "end" and
// "shared"), the words around their numbers, then the second holder. At last the middle gives way.
std::string shorten(std::string_view column, std::string_view cell, std::size_t width);

}  // namespace plumb::detect
