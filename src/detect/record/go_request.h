// SPDX-License-Identifier: Apache-2.0
// A request that a Go program has sent on a connection that has not come back from it since: not to
// the pool of idle connections, nor closed. One that stays is a leak, or in use for long.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "detect/record/address.h"
#include "detect/record/goroutine.h"
#include "plumb/base/clock.h"

namespace plumb::detect {

enum class GoHttpVersion : std::uint8_t { kHttp1, kHttp2 };

struct GoRequest {
  GoHttpVersion version = GoHttpVersion::kHttp1;
  // The *persistConn of HTTP/1, the *http2clientStream of HTTP/2.
  Address connection{};
  BootTime sent{};
  GoroutineId goroutine{};  // that sent it; 0: unknown
  std::string method;       // empty: GET, as net/http has it
  std::string scheme;
  std::string host;
  std::string path;
  std::string query;           // without the question mark
  bool shortened = false;      // one of the texts is longer than what was taken down
  std::vector<Address> stack;  // of the caller: return addresses, innermost first
};

// What was missed since the probe began.
struct GoRequestLosses {
  std::uint64_t requests = 0;  // found no room
  std::uint64_t unread = 0;    // whose memory could not be read
};

}  // namespace plumb::detect
