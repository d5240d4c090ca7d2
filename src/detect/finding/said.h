// SPDX-License-Identifier: Apache-2.0
// What was said on a server's connections and has no end, for findings that are not about the
// framing alone.
#pragma once

#include <cstdint>
#include <string>

#include "detect/finding/facts.h"

namespace plumb::detect {

// "GET /export → 200: 100B of its length are missing".
std::string exchange_text(const Exchange& exchange);

// The usual way in which a process, as the server, leaves exchanges open.
struct Unended {
  FramingState state = FramingState::kComplete;  // kNoResponse, kWaitsForLength or kInChunk
  std::uint64_t exchanges = 0;                   // 0: none was heard, or nobody listened
  const Exchange* example = nullptr;             // of the facts
};
Unended unended_of(const Facts& facts, Pid server);

}  // namespace plumb::detect
