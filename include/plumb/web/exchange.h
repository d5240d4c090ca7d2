// SPDX-License-Identifier: Apache-2.0
// Exchange: one request and its answer, piece by piece, for handlers that stream.
//
//   routes.post("/upper", [](Exchange& exchange) -> Task<> {
//     if (!exchange.begin(Response(200))) co_return;        // length unknown: chunked, or until
//     close for (;;) {
//       const auto piece = co_await exchange.read();        // a piece of the request's body
//       if (!piece || piece->empty()) break;
//       if (!co_await exchange.write(upper(*piece))) co_return;   // waits until the client takes
//       it
//     }
//     [[maybe_unused]] const auto ended = co_await exchange.end();
//   });
//
// A handler that returns without an answer gets the client a 500; one that returns within a body of
// unknown length ends it; one that throws, or stops short of a promised length, breaks the
// connection off, so that the client sees that something is missing. What is left of the request's
// body is drained within bounds or the connection closed. One reader and one writer at a time.
// Errors of every wait: ECANCELED (the server stops), ETIMEDOUT (a slow client), what the stream
// says; EPROTO for a request that breaks HTTP's rules, EMSGSIZE for a body beyond the limit; EINVAL
// with the encoder's words for a head or content that it refuses.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "plumb/base/result.h"
#include "plumb/base/unique_fd.h"
#include "plumb/http/encoder.h"
#include "plumb/loop/task.h"
#include "plumb/web/patient_wait.h"
#include "plumb/web/request.h"
#include "plumb/web/response.h"

namespace plumb::runtime {

class ServerConnection;

class Exchange {
 public:
  explicit Exchange(ServerConnection& connection) noexcept : connection_(connection) {}

  const Request& request() const noexcept;

  // The next piece of the request's body, valid until the next call; empty at the end. Tells a
  // client that asks for it (Expect: 100-continue) to go on.
  class Read;
  [[nodiscard]] Read read();
  // All of it. EMSGSIZE beyond `most`.
  Task<Result<std::string>> read_all(std::size_t most);

  // The whole answer. One that was begun before is EALREADY.
  Task<Result<void>> respond(Response response);

  // Begins an answer whose body follows; `head` has none. Nothing is sent before the first write.
  Result<void> begin(const Response& head, http::BodyLength length = http::BodyLength::unknown());
  // Sends content; done when the kernel has taken all of it. What HEAD asked for is dropped.
  class Send;
  [[nodiscard]] Send write(std::string_view content);
  // The same of a temporary: the content is copied before it returns.
  [[nodiscard]] Send write_copy(std::string_view content);
  // Sends what begin() has encoded.
  [[nodiscard]] Send flush();
  // Without waiting: sends what the kernel takes of what is unsent, behind which `content` stands
  // if nothing was. Gives how many bytes are left unsent.
  Result<std::size_t> nudge(std::string_view content);
  // Fails when it is awaited: for what is built upon write().
  [[nodiscard]] Send failed(Error error);
  // Sends `count` bytes of a file from `offset`, in the clear without a copy. EPIPE of a file that
  // is shorter.
  Task<Result<void>> write_file(const UniqueFd& file, std::uint64_t offset, std::uint64_t count);
  // Ends the body. EINVAL before the promised length.
  [[nodiscard]] Send end(std::span<const http::Field> trailers = {});

  // Whether write() sends anything: false for HEAD.
  bool wants_content() const noexcept;
  bool begun() const noexcept;

  // Answers 101 and gives the connection away: what follows is not HTTP. `protocol` is that of the
  // request's Upgrade field; EINVAL when the request asked for none. Bytes that came behind the
  // request are in `early`.
  struct Upgraded {
    Stream* stream;  // of the connection, which outlives the handler
    Buffer* early;
  };
  Task<Result<Upgraded>> upgrade(std::string protocol, const Response& head);

  Stream& stream() noexcept;
  Buffer& input() noexcept;  // what has come and is not read yet
  Loop& loop() noexcept;
  // The server has been told to stop: finish soon.
  bool stopping() const noexcept;

 private:
  ServerConnection& connection_;
};

class Exchange::Read : public PatientWait {
 public:
  explicit Read(ServerConnection& connection);
  Result<std::string_view> await_resume();

 private:
  Step attempt() override;
  void wait_for(Step step) override;
  ServerConnection& connection_;
  std::string_view piece_;
  std::optional<std::chrono::steady_clock::time_point> waits_since_;
};

class Exchange::Send : public PatientWait {
 public:
  // Sends what has been encoded, then `content`; `refused`: fails with that instead.
  Send(ServerConnection& connection, std::string_view content, Result<void> refused);
  Result<void> await_resume();

 private:
  Step attempt() override;
  ServerConnection& connection_;
  std::string_view left_;
};

}  // namespace plumb::runtime
