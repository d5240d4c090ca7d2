// SPDX-License-Identifier: Apache-2.0
// One connection to whichever of a host's addresses answers first (RFC 8305, "happy eyeballs").
#pragma once

#include <vector>

#include "plumb/base/result.h"
#include "plumb/loop/task.h"
#include "plumb/net/address.h"
#include "plumb/net/stream.h"

namespace plumb::runtime {

class Network;

// Families take turns, the first address's family first; the next attempt begins when the one
// before it has failed or 250 ms have passed (section 5). Losers are closed. Errors: those of the
// last attempt that failed.
Task<Result<Stream>> connect_first(Network& network, std::vector<Address> addresses);

}  // namespace plumb::runtime
