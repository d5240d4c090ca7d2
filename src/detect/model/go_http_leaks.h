// SPDX-License-Identifier: Apache-2.0
// Which requests of a Go program hold a connection, by the stack that sent them, and what each
// connection waits for. Pure.
//
// net/http serves a connection by a goroutine of its own, (*persistConn).readLoop. Once it has
// handed the response to the caller it waits, in a select, until the body is read to its end or
// closed. So a connection in that select, which nobody reads from, is one whose caller forgot it;
// and one that waits for bytes, where nobody waits for a response, is idle and held by nobody.
// HTTP/2 has a goroutine for each stream, which stays until the server has ended the stream or the
// caller has closed the body.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detect/model/secrets.h"
#include "detect/record/go_request.h"
#include "detect/record/goroutine.h"

namespace plumb::detect {

enum class GoHttpCall : std::uint8_t {
  kReadLoop,    // serves a connection
  kRoundTrip,   // waits for a response on a connection
  kRead,        // reads a connection's body
  kStream,      // serves a stream
  kStreamTrip,  // waits for a response on a stream, which is not its first argument
  kStreamRead,  // reads a stream's body; its first argument lies within the stream
};
struct GoHttpFunction {
  GoHttpCall call;
  std::string_view name;
};
// HTTP/2 is part of net/http under other names, and a package of its own.
inline constexpr std::array kGoHttpFunctions = {
    GoHttpFunction{GoHttpCall::kReadLoop, "net/http.(*persistConn).readLoop"},
    GoHttpFunction{GoHttpCall::kRoundTrip, "net/http.(*persistConn).roundTrip"},
    GoHttpFunction{GoHttpCall::kRead, "net/http.(*persistConn).Read"},
    GoHttpFunction{GoHttpCall::kStream, "net/http.(*http2clientStream).writeRequest"},
    GoHttpFunction{GoHttpCall::kStreamTrip, "net/http.(*http2ClientConn).RoundTrip"},
    GoHttpFunction{GoHttpCall::kStreamTrip, "net/http.(*http2ClientConn).roundTrip"},
    GoHttpFunction{GoHttpCall::kStreamRead, "net/http.(*http2pipe).Read"},
    GoHttpFunction{GoHttpCall::kStream, "golang.org/x/net/http2.(*clientStream).writeRequest"},
    GoHttpFunction{GoHttpCall::kStreamTrip, "golang.org/x/net/http2.(*ClientConn).RoundTrip"},
    GoHttpFunction{GoHttpCall::kStreamTrip, "golang.org/x/net/http2.(*ClientConn).roundTrip"},
    GoHttpFunction{GoHttpCall::kStreamRead, "golang.org/x/net/http2.(*pipe).Read"},
};
// To be watched for when goroutines are read: the names of the above, in their order.
std::span<const std::string_view> go_http_calls();

enum class GoConnectionState : std::uint8_t {
  kBodyOpen,  // the response came; its body is neither read to its end nor closed, nor being read
  kBodyRead,  // its body is being read
  kNoAnswer,  // the caller waits for the response
  kUnknown,   // its goroutine was not found
};
constexpr std::size_t kGoConnectionStates = 4;
std::string_view name_of(GoConnectionState state);

struct HeldRequest {
  GoRequest request;
  StackNode stack = StackStore::kEmpty;  // of request.stack, in the snapshot's store
  GoConnectionState state = GoConnectionState::kUnknown;
  std::chrono::nanoseconds age{};
};

struct GoHttpSite {
  StackNode stack = StackStore::kEmpty;
  std::vector<HeldRequest> requests;                        // oldest first
  std::array<std::uint64_t, kGoConnectionStates> states{};  // how many of each
  // Those that are certainly or possibly leaked: body open, or unknown.
  std::uint64_t suspects() const {
    return states[static_cast<std::size_t>(GoConnectionState::kBodyOpen)] +
           states[static_cast<std::size_t>(GoConnectionState::kUnknown)];
  }
};

// Connections of HTTP/1 that lie in their pools and were not used for the minimum age, by who sent
// the last request on them.
struct GoIdleSite {
  StackNode stack = StackStore::kEmpty;
  std::uint64_t connections = 0;
};

struct GoHttpLeaks {
  std::vector<GoHttpSite> sites;  // most suspects first
  std::vector<GoIdleSite> idle;   // most connections first
  // Connections with an open body that no probe saw a request on: from before plumb came.
  std::uint64_t before = 0;
  std::optional<std::chrono::nanoseconds> before_longest;
  std::uint64_t younger = 0;  // requests below the minimum age, which are not in the sites
};

// `stacks` are the requests' stacks, in the same order; `snapshot` was read with go_http_calls().
GoHttpLeaks find_go_http_leaks(const std::vector<GoRequest>& requests,
                               const std::vector<StackNode>& stacks,
                               const GoroutineSnapshot& snapshot, BootTime now,
                               std::chrono::nanoseconds min_age);

// The query with its values masked.
std::string masked_query(const GoRequest& request, Secrets secrets);

// "GET https://host/path?key=…", the values of the query masked; "…" where it was shortened.
std::string request_line(const GoRequest& request, Secrets secrets);

}  // namespace plumb::detect
