// SPDX-License-Identifier: Apache-2.0
// What a capture saw go over a socket: bounded pieces of bytes, and the ends of connections.
#pragma once

#include <cstdint>
#include <string>

#include "detect/record/socket.h"
#include "plumb/base/clock.h"
#include "plumb/base/ids.h"

namespace plumb::detect {

// The inode number of a socket: no two have the same at a time. Descriptors of the same open file
// lead to the same socket.
enum class SocketInode : std::uint64_t {};

struct CapturePiece {
  enum class What : std::uint8_t {
    kData,
    kPeerEnded,  // the other side will send no more, or the connection broke
    kShut,       // the process said that it will send no more
    kClosed,     // the last descriptor of the socket was closed
    kExit,       // the process ended; no socket
    kStarted,    // the process executed a program; no socket
    kForked,     // a process that is followed made this one; no socket
  };
  What what = What::kData;
  bool sent = false;      // by the process; else it received it
  bool late = false;      // the connection was there before the capture
  bool called = false;    // the process made the connection, …
  bool accepted = false;  // … or accepted it; neither where that was not seen
  bool tls = false;       // the bytes are those inside of TLS
  // Of what was sent when its call began, else when its call ended: causes come before effects.
  BootTime time{};
  SocketInode socket{};
  Pid pid{};
  Fd fd{};
  std::string name;  // of the thread
  std::uint16_t family = 0;
  IpEndpoint local;
  IpEndpoint remote;
  std::uint64_t lost = 0;   // bytes of this direction that went by unseen before these
  std::uint64_t total = 0;  // bytes of this call
  std::string front;        // the first of them
  std::string tail;         // the last of them, where `front` does not reach that far
};

struct CaptureLosses {
  std::uint64_t events = 0;       // pieces that found no room
  std::uint64_t sockets = 0;      // connections that were not followed: too many
  std::uint64_t targets = 0;      // children that were not followed
  std::uint64_t sessions = 0;     // calls of TLS libraries on a connection that is not known
  std::uint64_t passed_over = 0;  // exchanges that were too many to look at in their second
  std::uint64_t unreadable = 0;   // moves of bytes out of reach: io_uring's, 32-bit processes'
  std::uint64_t broken = 0;       // records that make no sense
};

}  // namespace plumb::detect
