// SPDX-License-Identifier: Apache-2.0
// Where in a Go binary its TLS can be looked into: offsets in the file.
#pragma once

#include <cstdint>
#include <vector>

namespace plumb::detect {

struct GoTlsPlaces {
  std::uint64_t write = 0;  // crypto/tls.(*Conn).Write, before anything is changed
  std::uint64_t read = 0;   // crypto/tls.(*Conn).Read, likewise
  // The call in Read by which its bytes are copied to its caller: runtime.memmove(to, from, size).
  // 0 where there is none, or more than one that may be it: then the return instructions of Read.
  std::uint64_t copied = 0;
  std::vector<std::uint64_t> reads;
};

}  // namespace plumb::detect
