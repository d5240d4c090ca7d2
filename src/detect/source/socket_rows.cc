// SPDX-License-Identifier: Apache-2.0
// Turns socket rows into sockets.
#include "detect/source/socket_rows.h"

#include <sys/socket.h>

#include <algorithm>

namespace plumb::detect {
namespace {

SocketState state_of(std::uint8_t state) {
  constexpr auto kLast = static_cast<std::uint8_t>(SocketState::kNewSynRecv);
  return state <= kLast ? SocketState(state) : SocketState::kUnknown;
}

IpEndpoint endpoint(const survey_u8 (&address)[16], std::uint16_t port) {
  IpEndpoint end;
  std::copy(std::begin(address), std::end(address), end.address.begin());
  end.port = port;
  return end;
}

}  // namespace

// Ages are taken from each row's own clock, moments from the first row's, so that equal jiffies
// become equal moments however long the pass lasts.
BootTime SocketRows::when(std::uint32_t jiffy, std::uint32_t now) {
  if (!first_now_) first_now_ = now;
  // Differences wrap in 32 bits: after 198 days at 250 Hz. A jiffy a little ahead of `now` was
  // written while the row was read.
  constexpr std::uint32_t kAhead = 0xffff'0000;
  const std::uint32_t age = now - jiffy;
  const std::uint32_t past = age >= kAhead ? 0 : age;
  return began_ + (now - *first_now_) * tick_ - past * tick_;
}

SocketIndex SocketRows::add(const survey_socket& row, std::uint64_t inode, std::string_view path,
                            Survey& survey) {
  const auto next = static_cast<std::uint32_t>(survey.sockets.size());
  if (const auto [index, is_new] = known_.insert(row.sock, next); !is_new) {
    return SocketIndex(index);
  }
  Socket& socket = survey.sockets.emplace_back();
  socket.id = SocketId(row.sock);
  socket.family = row.family;
  socket.type = row.type;
  socket.protocol = row.protocol;
  socket.state = state_of(row.state);
  socket.ipv6 = row.family == AF_INET6;
  socket.inode = inode;
  socket.net_namespace = row.net_namespace;
  socket.device = row.device;
  // A path comes with the NUL at its end; in an abstract name every NUL counts.
  if (path.size() > 1 && path.front() != '\0' && path.back() == '\0') path.remove_suffix(1);
  socket.path = survey.texts.add(path);
  socket.shut_receive = (row.shutdown & 1) != 0;
  socket.shut_send = (row.shutdown & 2) != 0;
  if (row.family == AF_VSOCK) {
    socket.local = vsock_endpoint(numbers_of(endpoint(row.local, 0)));
    socket.remote = vsock_endpoint(numbers_of(endpoint(row.remote, 0)));
  } else if (row.family == AF_INET || row.family == AF_INET6 || row.family == AF_NETLINK) {
    socket.local = endpoint(row.local, row.local_port);
    socket.remote = endpoint(row.remote, row.remote_port);
  }
  if (socket.state == SocketState::kListen) {
    socket.accept_queue = row.accept_queue;
    socket.backlog = row.backlog;
    if (row.address != 0) listeners_.insert(row.address, next);
  } else {
    if (!(row.bits & SURVEY_QUEUE_UNKNOWN)) socket.receive_queue = row.receive_queue;
    socket.send_queue = row.send_queue;
    socket.in_flight = row.in_flight;
  }
  if (row.bits & SURVEY_TCP_TIMES) {
    if (row.bits & SURVEY_TCP_SENT) socket.last_sent = when(row.last_sent, row.now);
    if (row.bits & SURVEY_TCP_RECEIVED) socket.last_received = when(row.last_received, row.now);
  }
  if (row.peer != 0) socket.peer = SocketId(row.peer);
  if (row.bits & SURVEY_PEER_IN_QUEUE) {
    socket.peer_in_queue = true;
    if (row.peer_address != 0) waiting_.push_back({SocketIndex(next), row.peer_address});
  }
  return SocketIndex(next);
}

void SocketRows::settle(Survey& survey) const {
  for (const Waiting& waiting : waiting_) {
    if (const auto listener = listeners_.find(waiting.address)) {
      survey.sockets[number(waiting.socket)].listener = survey.sockets[*listener].id;
    }
  }
}

}  // namespace plumb::detect
