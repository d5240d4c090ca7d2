// SPDX-License-Identifier: Apache-2.0
// Legs: the two exchanges of one request through a proxy, found by time, target and size, and what
// of the upstream's head did not reach the client.
#pragma once

#include <span>
#include <vector>

#include "detect/model/exchange_ledger.h"

namespace plumb::detect {

// Fills Exchange::upstream and ::differences of the exchanges that a process served, where it asked
// another server the same meanwhile. A leg towards the origin is used once. `exchanges` may be in
// any order.
void match_legs(const ExchangeLedger& ledger, std::span<Exchange> exchanges);

// Whether the two targets may mean the same: equal but for scheme and authority, or one path the
// end of the other, as behind a prefix.
bool same_target(std::string_view a, std::string_view b);

// What the two heads say differently; fields that concern the hop alone (Date, Server, Via) are
// left out.
std::vector<FieldDifference> differences_of(const http::ObservedResponse& upstream,
                                            const http::ObservedResponse& downstream);

}  // namespace plumb::detect
