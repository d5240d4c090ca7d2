// SPDX-License-Identifier: Apache-2.0
// Reading sockets for silence.
#include "detect/finding/quiet.h"

namespace plumb::detect {

bool nothing_on_the_way(const Socket& socket) {
  return socket.state == SocketState::kEstablished && socket.receive_queue.value_or(0) == 0 &&
         socket.send_queue.value_or(0) == 0;
}

std::set<std::uint16_t> listened_ports(const Survey& survey) {
  std::set<std::uint16_t> ports;
  for (const Socket& socket : survey.sockets) {
    if (socket.state == SocketState::kListen && socket.local.port != 0) {
      ports.insert(socket.local.port);
    }
  }
  return ports;
}

}  // namespace plumb::detect
