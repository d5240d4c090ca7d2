// SPDX-License-Identifier: Apache-2.0
// Upstream: for whom a server waits itself. A proxy before an origin that does not end its answers
// cannot end them either: who should act stands behind it, perhaps behind another proxy.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "detect/finding/facts.h"
#include "detect/finding/finding.h"

namespace plumb::detect {

struct Upstream {
  std::string name;                     // "origin(20)"; its address where it is on another machine
  std::optional<ProcessIndex> process;  // where it is on this one
  std::uint64_t requests = 0;           // the server's own, that have no end
  const Exchange* heard = nullptr;      // one of them, where they were heard
};

// By what was said on both legs of the same requests. Nothing where fewer than two were heard, or
// where most of what has no end towards the clients has one towards the origin.
std::optional<Upstream> upstream_heard(const Facts& facts, ProcessIndex server);
// Whether the exchanges of the server could be heard with both legs, so that no guess is needed.
bool legs_were_heard(const Facts& facts, ProcessIndex server);
// Whether it passes through what it does not read: CONNECT.
bool tunnels_were_heard(const Facts& facts, ProcessIndex server);

// By the sockets alone: the server has asked over connections of its own and got nothing, or, where
// it keeps tunnels, what it got last it has passed on at once to one of `clients`, its ends of the
// connections that wait. Nothing where that holds for fewer of its own connections than half of the
// clients.
std::optional<Upstream> upstream_seen(const Facts& facts, ProcessIndex server,
                                      std::span<const DescriptorIndex> clients);

// One request of the server's for many equal ones of its clients, as a cache makes it: nothing else
// was heard, and the oldest of `clients` was passed on at once over a connection on which nothing,
// or what that client got, has come since.
std::optional<Upstream> upstream_shared(const Facts& facts, ProcessIndex server,
                                        std::span<const DescriptorIndex> clients);

// Gives the move to the upstream, with what it is to do.
void pass_on(const Upstream& upstream, Finding& finding);

}  // namespace plumb::detect
