// SPDX-License-Identifier: Apache-2.0
// Reading a request's body and sending an answer, piece by piece.
#include "plumb/web/exchange.h"

#include <sys/sendfile.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "plumb/http/fault.h"
#include "server_connection.h"

namespace plumb::runtime {
namespace {

constexpr std::size_t kSlice = 64 * 1024;
constexpr std::uint64_t kSmallFile = 16 * 1024;

// A file's bytes from the page cache to the socket.
class SendFile : public PatientWait {
 public:
  SendFile(ServerConnection& connection, int file, std::uint64_t offset, std::uint64_t count)
      : PatientWait(connection.stream.core(), connection.server.options.patience.write),
        file_(file),
        at_(static_cast<off_t>(offset)),
        left_(count) {}

  Result<void> await_resume() {
    if (failed()) return error("send file");
    return {};
  }

 private:
  Step attempt() override {
    Descriptor& socket = descriptor();
    while (left_ != 0) {
      if (!socket.open()) return end_with(fail("send file", "", EBADF));
      if (!socket.ready(Direction::kWrite)) return Step::kWrite;
      const ssize_t sent = ::sendfile(socket.borrow(), file_, &at_, std::min(left_, kAtOnce));
      if (sent > 0) {
        left_ -= static_cast<std::uint64_t>(sent);
        progressed();
      } else if (sent == 0) {
        return end_with(fail("send file", "", EPIPE, "the file has become shorter"));
      } else if (errno == EAGAIN) {
        socket.blocked(Direction::kWrite);
      } else if (errno != EINTR) {
        return end_with(fail("send file", "", errno));
      }
    }
    return Step::kDone;
  }

  static constexpr std::uint64_t kAtOnce = 1024 * 1024;
  int file_;
  off_t at_;
  std::uint64_t left_;
};

}  // namespace

const Request& Exchange::request() const noexcept {
  return connection_.request();
}
Stream& Exchange::stream() noexcept {
  return connection_.stream;
}
Buffer& Exchange::input() noexcept {
  return connection_.input;
}
Loop& Exchange::loop() noexcept {
  return connection_.server.network.loop();
}
bool Exchange::stopping() const noexcept {
  return connection_.server.stopping;
}
bool Exchange::begun() const noexcept {
  return connection_.begun;
}
bool Exchange::wants_content() const noexcept {
  return connection_.request().head().method != http::Method::kHead;
}

Exchange::Read::Read(ServerConnection& connection)
    : PatientWait(connection.stream.core(), connection.body_patience()), connection_(connection) {
  if (connection.taken != 0) connection.input.consume(std::exchange(connection.taken, 0));
}

void Exchange::Read::wait_for(Step step) {
  if (!waits_since_) waits_since_ = connection_.server.network.loop().now();
  PatientWait::wait_for(step);
}

Step Exchange::Read::attempt() {
  auto& connection = connection_;
  auto& input = connection.input;
  while (!connection.body_ended) {
    const auto step = connection.parser.next(input.text());
    switch (step.event) {
      case http::Event::kBody:
        piece_ = step.body;
        connection.taken = step.consumed;
        connection.wants_continue = false;
        return Step::kDone;
      case http::Event::kFault: {
        const auto fault = connection.parser.fault();
        const auto& text = http::describe(fault);
        connection.closing = connection.lingers = true;
        return end_with(fail("read request body", std::string(text.name),
                             fault == http::Fault::kBodyTooLarge ? EMSGSIZE : EPROTO,
                             std::string(text.meaning)));
      }
      case http::Event::kNeedMore:
        break;
      default:
        input.consume(step.consumed);
        connection.body_ended = true;
        return Step::kDone;
    }
    input.consume(step.consumed);
    if (std::exchange(connection.wants_continue, false) && input.empty() && !connection.begun) {
      connection.output.append(bytes_of("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    Step wait = Step::kDone;
    while (!connection.output.empty()) {
      const auto sent = write_once(connection.output.bytes(), wait);
      if (!sent) return wait;
      connection.output.consume(*sent);
    }
    const auto got = read_once(input, BlockPool::kBlock, wait);
    if (!got) return wait;
    if (*got == 0) {
      connection.closing = true;
      return end_with(
          fail("read request body", "", ECONNRESET, "the client left in the middle of it"));
    }
    const auto now = connection.server.network.loop().now();
    connection.body_came(*got, now - waits_since_.value_or(now));
    waits_since_.reset();
    be_patient(connection.body_patience());
  }
  return Step::kDone;
}

Result<std::string_view> Exchange::Read::await_resume() {
  if (!failed()) return piece_;
  connection_.closing = true;
  if (ended_early() == ETIMEDOUT) connection_.lingers = true;
  return error("read request body");
}

Exchange::Read Exchange::read() {
  return Read(connection_);
}

Task<Result<std::string>> Exchange::read_all(std::size_t most) {
  std::string body;
  const auto& framing = connection_.request().head().framing;
  const bool announced = framing.kind == http::BodyKind::kLength;
  const auto too_long = [&] { return fail("read request body", "", EMSGSIZE, "it is too long"); };
  if (announced && framing.length > most) co_return too_long();
  if (announced) body.reserve(framing.length);
  for (;;) {
    const auto piece = co_await read();
    if (!piece) co_return piece.error();
    if (piece->empty()) co_return body;
    if (piece->size() > most - body.size()) co_return too_long();
    body.append(*piece);
  }
}

Exchange::Send::Send(ServerConnection& connection, std::string_view content, Result<void> refused)
    : PatientWait(connection.stream.core(), connection.server.options.patience.write),
      connection_(connection),
      left_(content) {
  if (!refused) end_with(std::move(refused).error());
}

Step Exchange::Send::attempt() {
  if (failed()) return Step::kDone;
  auto& output = connection_.output;
  for (;;) {
    Step step = Step::kDone;
    while (!output.empty()) {
      const auto sent = write_once(output.bytes(), step);
      if (!sent) return step;
      output.consume(*sent);
      progressed();
    }
    if (left_.empty()) return Step::kDone;
    const auto slice = left_.substr(0, kSlice);
    left_.remove_prefix(slice.size());
    const auto flush = left_.empty() ? http::Flush::kFlush : http::Flush::kNone;
    if (auto added = connection_.add_content(slice, flush); !added) {
      return end_with(std::move(added).error());
    }
  }
}

Result<void> Exchange::Send::await_resume() {
  if (!failed()) return {};
  connection_.closing = true;
  if (ended_early() == ETIMEDOUT) ++connection_.server.counters.timeouts;
  return error("send answer");
}

Result<void> Exchange::begin(const Response& head, http::BodyLength length) {
  if (connection_.begun) return fail("answer", "", EALREADY);
  return connection_.add_head(connection_.request().head(), head, length);
}

Exchange::Send Exchange::write(std::string_view content) {
  Result<void> ready;
  if (!connection_.begun) ready = fail("write body", "", EINVAL, "begin() comes first");
  if (content.size() <= kSlice && !content.empty() && ready) {
    ready = connection_.add_content(content, http::Flush::kFlush);
    content = {};
  }
  return Send(connection_, content, std::move(ready));
}

Exchange::Send Exchange::write_copy(std::string_view content) {
  return Send(connection_, {}, connection_.add_content(content, http::Flush::kFlush));
}
Exchange::Send Exchange::flush() {
  return Send(connection_, {}, {});
}
Result<std::size_t> Exchange::nudge(std::string_view content) {
  Buffer& output = connection_.output;
  if (output.empty()) {
    if (auto added = connection_.add_content(content, http::Flush::kFlush); !added) {
      return std::move(added).error();
    }
  }
  while (!output.empty()) {
    const auto sent = connection_.stream.try_write(output.bytes());
    if (!sent) return sent.error();
    if (!*sent) break;
    output.consume(**sent);
  }
  return output.size();
}
Exchange::Send Exchange::failed(Error error) {
  return Send(connection_, {}, std::move(error));
}

Exchange::Send Exchange::end(std::span<const http::Field> trailers) {
  return Send(connection_, {}, connection_.add_end(trailers));
}

Task<Result<void>> Exchange::respond(Response response) {
  if (connection_.begun) co_return fail("answer", "", EALREADY);
  connection_.answer(connection_.request().head(), response);
  co_return co_await Send(connection_, {}, {});
}

Task<Result<void>> Exchange::write_file(const UniqueFd& file, std::uint64_t offset,
                                        std::uint64_t count) {
  auto& connection = connection_;
  const bool copies = connection.coder || connection.stream.encrypted();
  if (copies && wants_content()) {
    std::array<char, 16 * 1024> room;
    while (count != 0) {
      const ssize_t got =
          ::pread(file.get(), room.data(), std::min<std::uint64_t>(count, room.size()),
                  static_cast<off_t>(offset));
      if (got <= 0) co_return fail("read file", "", got == 0 ? EPIPE : errno);
      const auto size = static_cast<std::size_t>(got);
      if (auto sent = co_await write({room.data(), size}); !sent) co_return sent;
      offset += size;
      count -= size;
    }
    co_return Result<void>();
  }
  http::BodyWriter::Piece framed;
  if (const auto refusal = connection.writer.content(count, framed)) {
    connection.closing = true;
    co_return fail("write body", std::string(http::name(*refusal)), EINVAL);
  }
  if (!connection.writer.sends_content() || count == 0) co_return Result<void>();
  connection.output.append(bytes_of(framed.prefix()));
  // One copy of a small file costs less than a system call of its own.
  if (count <= kSmallFile) {
    const auto room = connection.output.prepare(count).first(count);
    const ssize_t got = ::pread(file.get(), room.data(), count, static_cast<off_t>(offset));
    if (got != static_cast<ssize_t>(count)) {
      connection.closing = true;
      co_return fail("read file", "", got < 0 ? errno : EPIPE);
    }
    connection.output.commit(count);
    connection.output.append(bytes_of(framed.suffix));
    co_return Result<void>();
  }
  if (auto sent = co_await Send(connection, {}, {}); !sent) co_return sent;
  if (auto sent = co_await SendFile(connection, file.get(), offset, count); !sent) {
    connection.closing = true;
    co_return sent;
  }
  connection.output.append(bytes_of(framed.suffix));
  co_return Result<void>();
}

Task<Result<Exchange::Upgraded>> Exchange::upgrade(std::string protocol, const Response& head) {
  const auto& request = connection_.request().head();
  if (!request.upgrade) co_return fail("upgrade", protocol, EINVAL, "the request asks for none");
  if (auto added = connection_.add_switch(request, head, protocol); !added) {
    co_return std::move(added).error();
  }
  if (auto sent = co_await Send(connection_, {}, {}); !sent) co_return std::move(sent).error();
  co_return Upgraded{&connection_.stream, &connection_.input};
}

}  // namespace plumb::runtime
