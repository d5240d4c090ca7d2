// SPDX-License-Identifier: Apache-2.0
// The other end of each socket, as a socket: the part of Ends that knows addresses.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "detect/record/survey.h"

namespace plumb::detect {

struct SocketEnd {
  enum class State : std::uint8_t {
    kNone,     // not connected
    kSocket,   // `other` is the other end
    kQueued,   // it waits in the accept queue of `other`
    kGone,     // it was on this machine and is not there any more
    kOutside,  // the remote address is none of this machine's
  };
  State state = State::kNone;
  SocketIndex other{};
};

// One for each of Survey::sockets. `held[s]` says whether a descriptor stands for socket s: a
// connection that nobody holds and whose listener has a queue waits in it.
std::vector<SocketEnd> socket_ends(const Survey& survey, const std::vector<bool>& held);

}  // namespace plumb::detect
