// SPDX-License-Identifier: Apache-2.0
// Exchange: one request and its response as one end of a connection saw them, with how far they
// got, and why they do not end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/record/capture.h"
#include "plumb/http/observer.h"

namespace plumb::detect {

enum class FramingState : std::uint8_t {
  kComplete,
  kWaitsForLength,     // the head named a length, and bytes of it are missing
  kInChunk,            // a chunk, or the last one, is missing
  kUntilClose,         // its end is the connection's, which the sender has announced
  kUnframed,           // its end is the connection's, which is kept: nobody will end it
  kNoResponse,         // the request is complete, the response never began
  kRequestUnfinished,  // the request is not complete
  kResponseHead,       // the response's head is not complete
  kUnread,             // the rest is there, in the receive queue, and no thread waits for it
  kCut,                // the connection ended inside a message
  kUnanswered,         // the connection ended before the response began
  kTunnel,             // what follows is no HTTP
  kUnknown,            // captures were lost, or the capture began inside it
};
// "complete", "waits-for-length", …
std::string_view name_of(FramingState state);

enum class Role : std::uint8_t { kUnknown, kClient, kServer };
std::string_view name_of(Role role);

enum class ConnectionId : std::uint32_t {};
enum class ExchangeId : std::uint32_t {};

// One end of a connection, as one open file.
struct Connection {
  ConnectionId id{};
  SocketInode socket{};
  Pid pid{};
  Fd fd{};
  std::string process;  // the thread's name
  Role role = Role::kUnknown;
  std::uint16_t family = 0;
  IpEndpoint local;
  IpEndpoint remote;
  bool tls = false;
  bool late = false;   // joined at a message boundary: it was there before the capture
  bool http2 = false;  // recognised and not followed
  bool grpc = false;   // over HTTP/2: a content-type of gRPC was seen
  bool closed = false;
  std::uint64_t exchanges = 0;
  std::uint64_t lost = 0;          // bytes that were not captured and should have been
  std::uint64_t stray_client = 0;  // bytes after the end of a message that begin none
  std::uint64_t stray_server = 0;
  BootTime last{};
};

// What the other leg through the same process said and this one does not, or says differently.
struct FieldDifference {
  std::string name;  // lower case
  std::optional<std::string> upstream;
  std::optional<std::string> downstream;
};

struct Exchange {
  ExchangeId id{};
  ConnectionId connection{};
  http::ObservedExchange http;
  FramingState state = FramingState::kUnknown;
  http::Move move = http::Move::kUnknown;
  std::uint64_t missing = 0;  // kWaitsForLength, kCut: bytes of the length
  std::uint64_t unread = 0;   // kUnread: bytes in the receive queue
  // The leg of the same request towards the origin, for the leg that a client sees.
  std::optional<ExchangeId> upstream;
  std::vector<FieldDifference> differences;  // of the responses; framing fields first
};

}  // namespace plumb::detect
