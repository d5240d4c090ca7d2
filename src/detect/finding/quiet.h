// SPDX-License-Identifier: Apache-2.0
// Connections on which nothing happens, and which side of them is the server's.
#pragma once

#include <cstdint>
#include <set>

#include "detect/record/survey.h"

namespace plumb::detect {

// Connected, and both of its queues are empty. Of a unix socket only what has come is known.
bool nothing_on_the_way(const Socket& socket);

// The ports on which somebody listens: a connection with one of them came from a client.
std::set<std::uint16_t> listened_ports(const Survey& survey);

}  // namespace plumb::detect
