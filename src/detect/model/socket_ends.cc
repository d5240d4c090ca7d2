// SPDX-License-Identifier: Apache-2.0
// Joining sockets: unix by the peer's id, IP by the addresses the other way round.
#include "detect/model/socket_ends.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "detect/model/flat_index.h"

namespace plumb::detect {
namespace {

constexpr std::uint32_t kEnd = 0xffffffff;  // of a chain

// An address as IPv6 writes it: IPv4 as ::ffff:a.b.c.d, so that both sides of a dual-stack
// connection compare equal.
struct Endpoint {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::uint16_t port = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;

  bool any() const { return high == 0 && (low == 0 || low == kMappedZero); }
  bool loopback() const {
    if (mapped()) return ((low >> 32) & 0xff) == 127;  // 127.0.0.0/8: first byte, little endian
    return high == 0 && low == std::uint64_t{1} << 56;
  }
  bool mapped() const { return high == 0 && (low & 0xffffffff) == kMappedZero; }
  std::uint64_t hash() const { return mix(mix(high, low), port); }

  static constexpr std::uint64_t kMappedZero = 0xffff0000;  // ::ffff:0.0.0.0, little endian
};

Endpoint normal(const Socket& socket, const IpEndpoint& endpoint) {
  Endpoint result;
  result.port = endpoint.port;
  if (socket.ipv6) {
    std::memcpy(&result.high, endpoint.address.data(), 8);
    std::memcpy(&result.low, endpoint.address.data() + 8, 8);
  } else {
    std::uint32_t address = 0;
    std::memcpy(&address, endpoint.address.data(), 4);
    result.low = Endpoint::kMappedZero | std::uint64_t{address} << 32;
  }
  return result;
}

bool is_ip(const Socket& socket) {
  return (socket.family == AF_INET || socket.family == AF_INET6) &&
         (socket.type == SOCK_STREAM || socket.type == SOCK_DGRAM || socket.type == SOCK_SEQPACKET);
}

// States in which a connection can wait for accept(): its handshake is done and its own side has
// not been closed.
bool may_be_queued(SocketState state) {
  return state == SocketState::kEstablished || state == SocketState::kCloseWait ||
         state == SocketState::kSynRecv || state == SocketState::kNewSynRecv ||
         state == SocketState::kUnknown;
}

class IpJoin {
 public:
  IpJoin(const Survey& survey, const std::vector<bool>& held)
      : sockets_(survey.sockets),
        held_(held),
        connected_(count_ip()),
        bound_(count_ip()),
        addresses_(count_ip()),
        next_(sockets_.size(), kEnd),
        own_(sockets_.size()) {
    for (std::uint32_t s = 0; s < sockets_.size(); ++s) {
      if (is_ip(sockets_[s])) add(s);
    }
  }

  SocketEnd end_of(std::uint32_t s) const {
    const Socket& socket = sockets_[s];
    const Endpoint local = own_[s];
    const Endpoint remote = normal(socket, socket.remote);
    if (remote.port == 0 && remote.any()) return {};
    if (const auto other = reversed(s, local, remote)) {
      if (!held_[*other] && may_be_queued(sockets_[*other].state)) {
        if (const auto listener = queue_for(sockets_[*other], own_[*other])) {
          return {SocketEnd::State::kQueued, SocketIndex{*listener}};
        }
      }
      return {SocketEnd::State::kSocket, SocketIndex{*other}};
    }
    if (!is_own(socket, remote)) return {SocketEnd::State::kOutside, {}};
    if (socket.type == SOCK_STREAM) {
      if (socket.state == SocketState::kEstablished || socket.state == SocketState::kSynSent) {
        if (const auto listener = queue_for(socket, remote)) {
          return {SocketEnd::State::kQueued, SocketIndex{*listener}};
        }
      }
    } else if (const auto receiver = bound_to(socket, remote)) {
      return {SocketEnd::State::kSocket, SocketIndex{*receiver}};
    }
    return {SocketEnd::State::kGone, {}};
  }

 private:
  std::size_t count_ip() const {
    return static_cast<std::size_t>(std::ranges::count_if(sockets_, is_ip));
  }

  // Sockets of one key stand in one chain, the first of them in the index: thousands of equal ones
  // (SO_REUSEPORT) must not make a cluster in it.
  void add(std::uint32_t s) {
    const Socket& socket = sockets_[s];
    own_[s] = normal(socket, socket.local);
    const Endpoint remote = normal(socket, socket.remote);
    const bool bound = remote.port == 0 && remote.any();
    const std::uint32_t first =
        bound
            ? bound_.find_or_insert(
                  bound_hash(socket, own_[s].port), s,
                  [&](std::uint32_t o) { return same_port(socket, own_[s].port, o); })
            : connected_.find_or_insert(
                  mix(own_[s].hash(), remote.hash()), s, [&](std::uint32_t o) {
                    return own_[o] == own_[s] && normal(sockets_[o], sockets_[o].remote) == remote;
                  });
    if (first != s) {
      next_[s] = next_[first];
      next_[first] = s;
    }
    if (!own_[s].any()) {
      addresses_.find_or_insert(address_hash(socket, own_[s]), s,
                                [&](std::uint32_t o) { return same_address(socket, own_[s], o); });
    }
  }

  static std::uint64_t bound_hash(const Socket& socket, std::uint16_t port) {
    return mix(std::uint64_t{port} << 32 | socket.type, socket.net_namespace);
  }
  bool same_port(const Socket& socket, std::uint16_t port, std::uint32_t other) const {
    return own_[other].port == port && sockets_[other].type == socket.type &&
           sockets_[other].net_namespace == socket.net_namespace;
  }
  static std::uint64_t address_hash(const Socket& socket, const Endpoint& at) {
    return mix(mix(at.high, at.low), socket.net_namespace);
  }
  bool same_address(const Socket& socket, const Endpoint& at, std::uint32_t other) const {
    return own_[other].high == at.high && own_[other].low == at.low &&
           sockets_[other].net_namespace == socket.net_namespace;
  }

  // The socket whose local is our remote and the other way round: of our namespace if there is
  // one, else of any, unless the addresses mean something else in each namespace.
  std::optional<std::uint32_t> reversed(std::uint32_t s, const Endpoint& local,
                                        const Endpoint& remote) const {
    const Socket& socket = sockets_[s];
    const auto first = connected_.find(mix(remote.hash(), local.hash()), [&](std::uint32_t o) {
      return own_[o] == remote && normal(sockets_[o], sockets_[o].remote) == local;
    });
    std::optional<std::uint32_t> elsewhere;
    for (std::uint32_t o = first.value_or(kEnd); o != kEnd; o = next_[o]) {
      if (sockets_[o].type != socket.type || sockets_[o].protocol != socket.protocol) continue;
      if (sockets_[o].net_namespace == socket.net_namespace) return o;
      if (!remote.loopback()) elsewhere = o;
    }
    return elsewhere;
  }

  // An unconnected socket that gets what is sent to `at`: bound to that address, else to any.
  std::optional<std::uint32_t> bound_to(const Socket& socket, const Endpoint& at) const {
    const auto first = bound_.find(bound_hash(socket, at.port),
                                   [&](std::uint32_t o) { return same_port(socket, at.port, o); });
    std::optional<std::uint32_t> wildcard;
    for (std::uint32_t o = first.value_or(kEnd); o != kEnd; o = next_[o]) {
      if (own_[o] == at) return o;
      if (own_[o].any()) wildcard = o;
    }
    return wildcard;
  }

  // The listener at `at` of the namespace of `socket`, if connections wait in its queue.
  std::optional<std::uint32_t> queue_for(const Socket& socket, const Endpoint& at) const {
    const auto listener = bound_to(socket, at);
    if (!listener || sockets_[*listener].state != SocketState::kListen) return std::nullopt;
    if (sockets_[*listener].accept_queue.value_or(0) == 0) return std::nullopt;
    return listener;
  }

  bool is_own(const Socket& socket, const Endpoint& at) const {
    return at.loopback() || addresses_
                                .find(address_hash(socket, at),
                                      [&](std::uint32_t o) { return same_address(socket, at, o); })
                                .has_value();
  }

  const std::vector<Socket>& sockets_;
  const std::vector<bool>& held_;
  FlatIndex connected_;  // by both endpoints
  FlatIndex bound_;      // by port, type and namespace: listeners and unconnected ones
  FlatIndex addresses_;  // local addresses in use, by namespace
  std::vector<std::uint32_t> next_;
  std::vector<Endpoint> own_;
};

}  // namespace

std::vector<SocketEnd> socket_ends(const Survey& survey, const std::vector<bool>& held) {
  const std::vector<Socket>& sockets = survey.sockets;
  FlatIndex by_id(sockets.size());
  const auto hash = [](SocketId id) { return mix(static_cast<std::uint64_t>(id)); };
  for (std::uint32_t s = 0; s < sockets.size(); ++s) {
    by_id.find_or_insert(hash(sockets[s].id), s,
                         [&](std::uint32_t o) { return sockets[o].id == sockets[s].id; });
  }
  const auto with_id = [&](SocketId id) {
    return by_id.find(hash(id), [&](std::uint32_t o) { return sockets[o].id == id; });
  };

  const IpJoin ip(survey, held);
  std::vector<SocketEnd> ends(sockets.size());
  for (std::uint32_t s = 0; s < sockets.size(); ++s) {
    const Socket& socket = sockets[s];
    if (is_ip(socket)) {
      ends[s] = ip.end_of(s);
    } else if (socket.peer_in_queue) {
      const auto listener = socket.listener ? with_id(*socket.listener) : std::nullopt;
      ends[s] = listener ? SocketEnd{SocketEnd::State::kQueued, SocketIndex{*listener}}
                         : SocketEnd{SocketEnd::State::kGone, {}};
    } else if (socket.peer) {
      const auto other = with_id(*socket.peer);
      ends[s] = other ? SocketEnd{SocketEnd::State::kSocket, SocketIndex{*other}}
                      : SocketEnd{SocketEnd::State::kGone, {}};
    } else if (socket.family == AF_UNIX && socket.type != SOCK_DGRAM &&
               socket.state == SocketState::kEstablished) {
      ends[s] = {SocketEnd::State::kGone, {}};
    }
  }
  return ends;
}

}  // namespace plumb::detect
