// SPDX-License-Identifier: Apache-2.0
// Network: the sockets of one loop. It makes listeners and connections, owns what they share
// (blocks of memory, the lobby, the order in which idle connections are given up), and must outlive
// them. In the loop's holdings a connection stands with the line that accepted, made or adopted it.
// Threads: those of its loop only.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <source_location>
#include <string_view>
#include <utility>

#include "plumb/base/result.h"
#include "plumb/loop/loop.h"
#include "plumb/net/address.h"
#include "plumb/net/buffer.h"
#include "plumb/net/governor.h"
#include "plumb/net/listener.h"
#include "plumb/net/stream.h"

namespace plumb::runtime {

class Lobby;

struct ConnectOptions {
  // Speak TLS as its client; must outlive the stream. Connecting includes the handshake.
  const TlsContext* tls = nullptr;
  // Whom the certificate must name, and SNI. Required with a context that verifies. Must last until
  // the connection has been made.
  std::string_view server_name = {};
};

class Network {
 public:
  // Without a governor it has one of its own, over the loop's budget.
  explicit Network(Loop& loop, AcceptGovernor* governor = nullptr);
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  ~Network();  // aborts if a stream or listener is left

  // Errors: socket, bind (EADDRINUSE, EACCES), listen. A unix socket's file that nobody listens on
  // any more is replaced.
  Result<std::unique_ptr<Listener>> listen(
      const Address& address, const ListenOptions& options = {},
      std::source_location site = std::source_location::current());

  // Errors: socket (EMFILE only when no idle connection could be given up), connect (ECONNREFUSED,
  // EHOSTUNREACH, …), ECANCELED, ETIMEDOUT, of TLS EPROTO. Has no time limit of its own but the
  // kernel's two minutes: use within().
  Task<Result<Stream>> connect(Address address, ConnectOptions options = {},
                               std::source_location site = std::source_location::current());

  // Takes on a connection from another loop, or a connected stream socket from elsewhere. `tls`:
  // the handshake is still to come and we are its server.
  Result<Stream> adopt(Handover handover, const TlsContext* tls = nullptr,
                       std::source_location site = std::source_location::current());
  Result<Stream> adopt(UniqueFd connected, const TlsContext* tls = nullptr,  // set non-blocking
                       std::source_location site = std::source_location::current());

  // Two connected streams of one loop, for tests and for talking to oneself.
  Result<std::pair<Stream, Stream>> pair(
      std::source_location site = std::source_location::current());

  // Closes the idle connection that is the least loss; false if there is none. For whoever was told
  // EMFILE; accept and connect do it themselves.
  bool shed_one();

  Loop& loop() const noexcept { return loop_; }
  BlockPool& blocks() noexcept { return blocks_; }
  AcceptGovernor& governor() noexcept { return governor_; }
  std::size_t streams() const noexcept { return streams_; }
  std::size_t lobby_visitors() const noexcept;

 private:
  friend class AcceptGovernor;
  friend class Listener;
  friend class Lobby;
  friend class StreamCore;

  Result<Stream> make_stream(UniqueFd fd, DescriptorKind kind, Idleness idleness,
                             std::source_location site);
  void descriptors_came_free();
  std::optional<std::chrono::steady_clock::time_point> next_ripe() noexcept;

  Loop& loop_;
  std::unique_ptr<AcceptGovernor> own_governor_;
  AcceptGovernor& governor_;
  BlockPool blocks_;
  std::unique_ptr<std::byte[]> scratch_;  // ciphertext just received
  List<StreamCore> upstream_;             // each in the order of their last use
  List<StreamCore> between_;
  List<StreamCore> silent_;
  List<Listener> listeners_;
  std::size_t streams_ = 0;
  std::unique_ptr<Lobby> lobby_;
};

}  // namespace plumb::runtime
