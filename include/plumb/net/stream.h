// SPDX-License-Identifier: Apache-2.0
// Stream: bytes both ways, in order, over TCP or a unix socket, in the clear or in TLS. It owns its
// connection; when it ends, the connection ends, and there is no other way to keep it open.
//
//   Buffer buffer = stream.buffer();
//   auto got = co_await stream.read(buffer);        // Result<size_t>; 0: the peer has finished
//   auto sent = co_await stream.write(buffer.bytes());  // Result<void>; all of it
//
// One reader and one writer at a time; they may be different tasks, and must end before the stream.
// Nothing raises SIGPIPE. Errors of every wait: ECANCELED (its task was cancelled), ETIMEDOUT (a
// deadline), ECONNABORTED (the accept governor closed it to make room), otherwise the socket's own
// (ECONNRESET, EPIPE, …); of TLS: EPROTO with OpenSSL's words. Threads: those of its loop only.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "plumb/base/result.h"
#include "plumb/loop/task.h"
#include "plumb/net/address.h"
#include "plumb/net/buffer.h"
#include "plumb/net/io_wait.h"

namespace plumb::runtime {

class Network;
class StreamCore;
class TlsContext;

// What a connection is good for when descriptors run out: see AcceptGovernor.
enum class Idleness : std::uint8_t {
  kBusy,      // never closed by the governor
  kUpstream,  // an idle connection of a client pool: the first to go
  kBetween,   // a keep-alive connection between two requests: the second
  kSilent,    // accepted and never heard of: the last. Every accepted stream begins so.
};

// A connection on its way from one loop to another; counted in the budget that it comes from until
// it is adopted or, dropped, closed.
class Handover {
 public:
  Handover(Handover&&) noexcept = default;
  ~Handover();

 private:
  friend class Stream;
  friend class Network;
  Handover(UniqueFd fd, DescriptorBudget& budget) : fd_(std::move(fd)), budget_(budget) {}
  UniqueFd fd_;
  DescriptorBudget& budget_;
};

class Stream {
 public:
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  ~Stream();

  // An empty buffer of this stream's network.
  Buffer buffer() const;

  // Waits for at least one byte, takes memory only then, appends what is there: at most `most`
  // bytes. 0: the peer has finished.
  class ReadBuffer;
  [[nodiscard]] ReadBuffer read(Buffer& into, std::size_t most = BlockPool::kBlock);
  // The same into memory of the caller's, which must not be empty.
  class ReadSpan;
  [[nodiscard]] ReadSpan read(std::span<std::byte> into);

  // One attempt, without waiting: how much was appended, 0 at the end, nothing when nothing has
  // come.
  Result<std::optional<std::size_t>> try_read(Buffer& into, std::size_t most = BlockPool::kBlock);

  // The same for sending: how much of the front the kernel took, nothing when it takes none now.
  Result<std::optional<std::size_t>> try_write(Bytes bytes);

  // Sends all of it. After an error an unknown part has been sent: close.
  class Write;
  [[nodiscard]] Write write(Bytes bytes);
  [[nodiscard]] Write write(std::string_view text);

  // Half-close: nothing more will be written; reading goes on. In TLS says close_notify first.
  Task<Result<void>> finish();

  // Ends both directions now. Unread input makes the kernel send RST instead of FIN.
  void close() noexcept;
  // Ends the connection with RST whatever was read, without TIME_WAIT.
  void abort() noexcept;

  // Says what the governor may do with it. Reading a byte of a silent stream makes it busy.
  void set_idleness(Idleness idleness) noexcept;

  // The peer's FIN or an error was seen by epoll; for pools that look before they lend.
  bool ended() const noexcept;
  // Neither bytes nor an end have come that nobody has read, as far as epoll has told.
  bool quiet() const noexcept;

  // Begins TLS as its client on a connection in the clear (a proxy's CONNECT, STARTTLS), handshake
  // included. Errors: EPROTO, EINVAL without a name to verify.
  Task<Result<void>> secure(const TlsContext& context, std::string_view server_name);
  // TLS: what was negotiated. Complete after the first read or write, or handshake().
  Task<Result<void>> handshake();
  bool encrypted() const noexcept;
  std::string alpn() const;         // "" when none
  std::string server_name() const;  // SNI, "" when none

  Result<Address> local() const;
  Result<Address> peer() const;
  Network& network() const noexcept;

  // Takes a connection in the clear off its loop; Network::adopt() of another loop takes it on.
  // Errors: EBUSY in TLS after its handshake has begun, EBADF when closed.
  Result<Handover> hand_over() &&;

  // For other operations over the same connection, as frames.
  StreamCore& core() const noexcept { return *core_; }

 private:
  friend class Network;
  explicit Stream(std::unique_ptr<StreamCore> core) noexcept;
  std::unique_ptr<StreamCore> core_;
};

// The base of all operations on a stream: keeps the error of the attempt that ended it.
class StreamWait : public IoWait {
 protected:
  explicit StreamWait(StreamCore& core) noexcept : core_(core) {}
  Descriptor& descriptor() override;

  // Reads once into `into`: bytes, 0 at the end, or nothing with the step to wait for.
  std::optional<std::size_t> read_once(std::span<std::byte> into, Step& step);
  std::optional<std::size_t> read_once(Buffer& into, std::size_t most, Step& step);
  // Writes the front of `bytes`: how much went, or nothing with the step to wait for.
  std::optional<std::size_t> write_once(Bytes bytes, Step& step);
  // Ends the operation with an error; gives kDone.
  Step end_with(Error error);

  bool failed() const noexcept { return error_ != nullptr || ended_early() != 0; }
  Error error(const char* operation) const;

  StreamCore& core() const noexcept { return core_; }

 private:
  StreamCore& core_;
  std::unique_ptr<Error> error_;
};

class Stream::ReadBuffer : public StreamWait {
 public:
  ReadBuffer(StreamCore& core, Buffer& into, std::size_t most) noexcept
      : StreamWait(core), into_(into), most_(most) {}
  Result<std::size_t> await_resume();

 private:
  Step attempt() override;
  Buffer& into_;
  std::size_t most_;
  std::size_t got_ = 0;
};

class Stream::ReadSpan : public StreamWait {
 public:
  ReadSpan(StreamCore& core, std::span<std::byte> into) noexcept : StreamWait(core), into_(into) {}
  Result<std::size_t> await_resume();

 private:
  Step attempt() override;
  std::span<std::byte> into_;
  std::size_t got_ = 0;
};

class Stream::Write : public StreamWait {
 public:
  Write(StreamCore& core, Bytes bytes) noexcept : StreamWait(core), left_(bytes) {}
  Result<void> await_resume();

 private:
  Step attempt() override;
  Bytes left_;
};

}  // namespace plumb::runtime
