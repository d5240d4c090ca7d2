// SPDX-License-Identifier: Apache-2.0
// Sink: where a document goes, piece by piece, so that a million rows need no memory.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace plumb::detect {

// Takes a piece; false when nobody wants more (the reader of a pipe has gone), and then the
// document stops where it is.
using Sink = std::function<bool(std::string_view)>;

// Pieces are about this long: few system calls, and they stay in the cache.
constexpr std::size_t kPiece = 256 * 1024;

}  // namespace plumb::detect
