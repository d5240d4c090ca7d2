// SPDX-License-Identifier: Apache-2.0
// Pool: all connections of a client, whatever they are doing: idle, leased, or being drained after
// a lease that ended unread. It owns each of them at every moment; a lease only points to one
// through a slot that the pool empties. Taking back is the only delicate act: a connection is idle
// only when its parser stands between two messages, nothing unread or unsent is left, and its peer
// said that it may go on. Everything else is closed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <thread>
#include <vector>

#include "plumb/base/holding.h"
#include "plumb/http/parser.h"
#include "plumb/loop/event.h"
#include "plumb/loop/poster.h"
#include "plumb/loop/timer.h"
#include "plumb/net/read_watch.h"
#include "plumb/net/resolver.h"
#include "plumb/net/tls.h"
#include "plumb/web/client.h"

namespace plumb::runtime {

class ClientConnection;

// What a lease and its connection share. The connection leaves it when it is closed.
struct LeaseSlot {
  ClientConnection* connection = nullptr;  // the loop's thread only
  Pool* pool = nullptr;
  std::thread::id owner;
  Poster poster;
  int ended_with = 0;  // errno of why it was closed under the lease
  std::string url;     // as the ledger shows it
};

struct CallSite {
  std::source_location at;
  std::uint64_t requests = 0;
  std::uint64_t leased = 0;
  std::uint64_t unread = 0;
  std::uint64_t expired = 0;
};

// Connections that are alike: to one origin, directly or through one proxy.
struct HostPool {
  std::string key;
  std::vector<ClientConnection*> idle;  // longest idle first
  std::size_t total = 0;                // with those that are being made
  std::size_t callers = 0;              // in acquire()
  Event freed;
};

class ClientConnection : public ListNode {
 public:
  enum class State : std::uint8_t { kBusy, kIdle, kLeased, kDraining };

  ClientConnection(Pool& pool, HostPool& host, Stream stream);
  ~ClientConnection();

  // The reader has done with what it was given last.
  void turn_page();

  // The connection's peer has finished or failed, or spoke: see Pool::readable().
  class Watch final : public ReadWatch {
   public:
    explicit Watch(ClientConnection& connection) : connection_(connection) {}

   private:
    void on_readable() override;
    ClientConnection& connection_;
  };

  Pool& pool;
  HostPool& host;
  Stream stream;
  Buffer input;
  Buffer late;  // came while the reader still looks at the input, which must not move
  Buffer output;
  http::ResponseParser parser;
  Watch watch;
  Timer timer;
  State state = State::kBusy;
  CallSite* site = nullptr;
  std::optional<Holding> held;  // while it is leased: a row of the ledger, with the caller's line
  std::shared_ptr<LeaseSlot> slot;
  std::size_t taken = 0;  // bytes at the front of the input that the reader still looks at
  std::uint64_t drained = 0;
  bool reused = false;
  bool heard = false;  // a byte of the answer in hand has come
  bool message_ended = false;
  bool keeps = false;          // both sides want to go on after this answer
  bool peer_finished = false;  // its FIN has been read
};

class Pool {
 public:
  Pool(Network& network, ClientOptions options);
  ~Pool();

  // A connection for `url`. `fresh`: not one that was used before.
  enum class Wanted : std::uint8_t { kAny, kFresh };
  Task<Result<ClientConnection*>> acquire(const Url& url, Wanted wanted);
  const Url* proxy_for(const Url& url) const { return proxies_.proxy_for(url); }
  const Result<void>& verdict() const noexcept { return verdict_; }

  // Makes it a lease that somebody reads from; gives its slot.
  std::shared_ptr<LeaseSlot> lease(ClientConnection& connection, CallSite& site, std::string url);
  // The lease goes on: its reader has had a piece and is to come back for the next.
  void rest(ClientConnection& connection);
  // The lease is over, wherever it stands.
  void give_back(ClientConnection& connection) noexcept;
  // Closes; `code` is what its lease, if any, will be told.
  void drop(ClientConnection& connection, int code) noexcept;

  void readable(ClientConnection& connection) noexcept;
  void time_over(ClientConnection& connection) noexcept;

  CallSite& site_of(const std::source_location& at);
  ClientStats stats() const;

  Network& network;
  const ClientOptions options;
  ClientStats counters;

 private:
  Task<Result<Stream>> dial(const Url& url, const Url* proxy);
  Task<Result<void>> tunnel(Stream& stream, const Url& url, const Url& proxy);
  HostPool& host_of(const Url& url, const Url* proxy);
  void forget_host(HostPool& host) noexcept;
  void keep_or_drop(ClientConnection& connection) noexcept;
  void drain(ClientConnection& connection) noexcept;
  void pull(ClientConnection& connection) noexcept;
  void leave_lease(ClientConnection& connection, int code) noexcept;
  Result<const TlsContext*> tls();

  Result<void> verdict_;
  ProxySettings proxies_;
  std::optional<TlsContext> own_tls_;
  Resolver resolver_;
  std::map<std::string, HostPool> hosts_;
  std::map<std::pair<const char*, std::uint32_t>, CallSite> sites_;
  List<ClientConnection> connections_;
};

}  // namespace plumb::runtime
