// SPDX-License-Identifier: Apache-2.0
// Where in a Go binary its TLS can be looked into: offsets in the file.
#pragma once

#include <cstdint>
#include <vector>

namespace plumb::detect {

struct GoTlsPlaces {
  std::uint64_t write = 0;           // crypto/tls.(*Conn).Write, before anything is changed
  std::uint64_t read = 0;            // crypto/tls.(*Conn).Read, likewise
  std::vector<std::uint64_t> reads;  // the return instructions of Read
};

}  // namespace plumb::detect
