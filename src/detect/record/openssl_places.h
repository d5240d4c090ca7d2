// SPDX-License-Identifier: Apache-2.0
// Where in a file OpenSSL's two functions are through which everything passes: offsets in the file.
#pragma once

#include <cstdint>

namespace plumb::detect {

// Both are called with session, buffer, size and, in the fourth or fifth place, where to put how
// many bytes were moved; and answer 1 where some were.
struct OpenSslPlaces {
  std::uint64_t read = 0;
  std::uint64_t write = 0;
};

}  // namespace plumb::detect
