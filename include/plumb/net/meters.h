// SPDX-License-Identifier: Apache-2.0
// The metrics of loops and of the accept governor. Each function gives what keeps them in the
// registry; that must end before what it measures. Threads: any.
#pragma once

#include <string>

#include "plumb/loop/loop.h"
#include "plumb/meter/registry.h"
#include "plumb/net/governor.h"

namespace plumb::runtime {

// plumb_loop_turns_total, …_events_total, …_resumed_total, …_posted_total, of the loop `name`.
[[nodiscard]] Registry::Collector meter(Registry& registry, const Loop& loop, std::string name);

// Everything of GovernorCounters: plumb_accept_accepted_total, …_shed_total{idle},
// …_refused_total{how}, …_pauses_total, …_paused_seconds_total, …_shrunk_total,
// …_exhausted_total{of}, …_aborted_total; each GovernorEvent: plumb_accept_events_total{event};
// and the table: plumb_descriptors{of="limit", "owned", "foreign" and "reserve"}.
[[nodiscard]] Registry::Collector meter(Registry& registry, AcceptGovernor& governor);

}  // namespace plumb::runtime
