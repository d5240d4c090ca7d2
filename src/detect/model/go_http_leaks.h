// SPDX-License-Identifier: Apache-2.0
// Which requests of a Go program hold a connection, by the stack that sent them, and what each
// connection waits for. Pure.
//
// net/http serves a connection by a goroutine of its own, (*persistConn).readLoop. Once it has
// handed the response to the caller it waits, in a select, until the body is read to its end or
// closed. So a connection in that select, which nobody reads from, is one whose caller forgot it;
// and one that waits for bytes, where nobody waits for a response, is idle and held by nobody.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/model/secrets.h"
#include "detect/record/go_request.h"
#include "detect/record/goroutine.h"

namespace plumb::detect {

// To be watched for when goroutines are read, in this order.
enum class GoHttpCall : std::uint8_t { kReadLoop, kRoundTrip, kRead };
constexpr std::array<std::string_view, 3> kGoHttpCalls = {"net/http.(*persistConn).readLoop",
                                                          "net/http.(*persistConn).roundTrip",
                                                          "net/http.(*persistConn).Read"};

enum class GoConnectionState : std::uint8_t {
  kBodyOpen,  // the response came; its body is neither read to its end nor closed, nor being read
  kBodyRead,  // its body is being read
  kNoAnswer,  // the caller waits for the response
  kUnknown,   // its goroutine was not found, or HTTP/2
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

struct GoHttpLeaks {
  std::vector<GoHttpSite> sites;  // most suspects first
  // Connections with an open body that no probe saw a request on: from before plumb came.
  std::uint64_t before = 0;
  std::optional<std::chrono::nanoseconds> before_longest;
  std::uint64_t younger = 0;  // requests below the minimum age, which are not in the sites
};

// `stacks` are the requests' stacks, in the same order; `snapshot` was read with kGoHttpCalls.
GoHttpLeaks find_go_http_leaks(const std::vector<GoRequest>& requests,
                               const std::vector<StackNode>& stacks,
                               const GoroutineSnapshot& snapshot, BootTime now,
                               std::chrono::nanoseconds min_age);

// The query with its values masked.
std::string masked_query(const GoRequest& request, Secrets secrets);

// "GET https://host/path?key=…", the values of the query masked; "…" where it was shortened.
std::string request_line(const GoRequest& request, Secrets secrets);

}  // namespace plumb::detect
