// SPDX-License-Identifier: Apache-2.0
// BodySource: a request's body that is made while it is sent: a file's pieces, rows of a query,
// another answer's body. Only the piece in hand is in memory.
//
//   class Rows : public BodySource { Task<Result<std::string_view>> next() override; … };
//   Rows rows(query);
//   const auto reply = co_await client.fetch({.method = "POST", .url = url, .source = &rows});
//
// It is asked once, from begin to end: a request with a source goes over a new connection, is not
// asked again when that fails, and a redirect that wants the same body once more (307, 308) is
// given to the caller. Threads: next() runs on the client's loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "plumb/base/result.h"
#include "plumb/loop/task.h"

namespace plumb::runtime {

class BodySource {
 public:
  virtual ~BodySource() = default;

  // The next piece, which stays valid until the next call; empty: that was all. An error ends the
  // request, closes its connection and is what the caller is told.
  virtual Task<Result<std::string_view>> next() = 0;

  // How many bytes there will be, where that is known: said ahead, and held to (a source that gives
  // more or fewer ends the request with EINVAL). Unknown: the body goes in chunks.
  virtual std::optional<std::uint64_t> length() const { return std::nullopt; }
};

}  // namespace plumb::runtime
