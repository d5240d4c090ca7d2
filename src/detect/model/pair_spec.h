// SPDX-License-Identifier: Apache-2.0
// Reading pairs as people write them:
//
//   NAME=FILE:ACQUIRE[|ACQUIRE…],RELEASE[|RELEASE…]
//   conn=libpq.so.5:PQconnectdb|PQconnectStart,PQfinish
//
// A bare ACQUIRE returns the identity; a bare RELEASE takes it as its first argument. Else:
//   FUNCTION@2       the second argument, when it is called
//   FUNCTION@2!      the second argument, if it returns 0
//   FUNCTION*2       the word that the second argument points to, of ACQUIRE when it returns
//   FUNCTION*1+56    the word 56 bytes on
// Pure.
#pragma once

#include <string_view>
#include <vector>

#include "detect/record/pair.h"
#include "plumb/base/result.h"

namespace plumb::detect {

inline constexpr std::size_t kMostPairs = 64;  // of one trace

// Errors: EINVAL with what is wrong and how it is written.
Result<Pair> parse_pair(std::string_view text);

// A list: one a line; empty lines and those that begin with # are left out. Errors: as above, with
// the line.
Result<std::vector<Pair>> parse_pairs(std::string_view text);

}  // namespace plumb::detect
