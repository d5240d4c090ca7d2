// SPDX-License-Identifier: Apache-2.0
// Client: asks HTTP servers, over connections that it keeps and cannot lose.
//
//   Client client(network);
//   const auto reply = co_await client.fetch({.url = "http://localhost:8080/state"});
//   if (reply && reply->status() == 200) use(reply->body);
//
// fetch() gives an answer that has been read, up to a bound. open() gives one whose body is still
// on its way, a lease (see reply.h), and with_reply() one that lasts as long as a function. Both
// know who asked: stats() tells for each call site how many leases it holds and how many of them
// ended unread, so that a forgotten body has a line.
//
// What it does by itself: keeps connections alive and closes them when the peer does; resolves
// names on another thread and races addresses (RFC 8305); follows redirects, without credentials to
// another origin; asks again, on a new connection, what may be asked twice (RFC 9110 section 9.2.2)
// when a kept connection turned out to be dead before any byte of an answer; decodes content within
// bounds; goes through proxies; reads error answers (from 400 on) of up to 64 KiB before it hands
// them out, so that who retries may drop them.
//
// Lifetime: the network outlives it, it outlives the calls under way, but not the leases: its end
// closes their connections. Threads: those of its network's loop; a lease may end on any.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "plumb/base/result.h"
#include "plumb/http/limits.h"
#include "plumb/loop/task.h"
#include "plumb/net/network.h"
#include "plumb/web/body_source.h"
#include "plumb/web/proxy_settings.h"
#include "plumb/web/reply.h"

namespace plumb::runtime {

class TlsContext;

// All views must last until the call has ended; temporaries of the co_await expression do.
struct FetchRequest {
  std::string_view method = "GET";
  std::string_view url = {};
  std::span<const http::Field> fields = {};
  std::string_view body = {};
  BodySource* source = nullptr;         // instead of `body`: made while it is sent
  std::size_t most = 16 * 1024 * 1024;  // of the body that fetch() reads; beyond: EMSGSIZE
  // For all of it, redirects included; 0: as long as the client's patience with each step allows.
  std::chrono::milliseconds timeout{0};
};

struct ClientPatience {
  std::chrono::milliseconds connect{10'000};  // names, addresses, proxy and TLS included
  std::chrono::milliseconds head{30'000};     // from the request to the answer's head
  std::chrono::milliseconds body{60'000};     // between two pieces: the peer's, or the reader's
  std::chrono::milliseconds idle{60'000};     // of a connection in the pool
};

struct ClientOptions {
  http::Limits limits = {.body = http::kNoBodyLimit};
  ClientPatience patience = {};
  std::size_t per_host = 64;        // connections to one origin; more requests wait
  std::size_t idle = 256;           // kept in the pool, all origins together
  unsigned redirects = 10;          // followed; then the answer with the redirect is given
  bool decode = true;               // ask for codings and decode
  const TlsContext* tls = nullptr;  // for https; none: one that trusts the system's roots
  std::optional<ProxySettings> proxies = {};  // none: as the environment says
  std::size_t error_buffer = 64 * 1024;
  std::size_t drain = 256 * 1024;
  std::chrono::milliseconds drain_time{50};
};

struct CallSiteStats {
  std::string where;  // "file.cc:12 function"
  std::uint64_t requests = 0;
  std::uint64_t leased = 0;   // now
  std::uint64_t unread = 0;   // leases that ended before their body's end
  std::uint64_t expired = 0;  // leases that ended by themselves, as nobody read
};

struct ClientStats {
  std::size_t idle = 0;
  std::size_t leased = 0;
  std::size_t draining = 0;
  std::uint64_t connects = 0;
  std::uint64_t reuses = 0;
  std::uint64_t retries = 0;
  std::uint64_t drained = 0;  // leases that ended unread and whose connection was kept
  std::uint64_t cut = 0;      // … and was closed
  std::uint64_t expired = 0;
  std::uint64_t ended_by_peer = 0;  // FINs seen on connections that nobody read from
  std::vector<CallSiteStats> sites;
};

class Client {
 public:
  explicit Client(Network& network, ClientOptions options = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Errors: EINVAL (address, or what the encoder refuses), ENOENT and EAGAIN (names), those of
  // connecting and of TLS, those of a source, ECONNRESET, ETIMEDOUT, ECANCELED, EMSGSIZE, ELOOP
  // (redirects), EPROTO with the fault's name; EBUSY through a proxy that refuses to connect, with
  // its status.
  Task<Result<Reply>> fetch(FetchRequest request,
                            std::source_location at = std::source_location::current());
  Task<Result<LiveReply>> open(FetchRequest request,
                               std::source_location at = std::source_location::current());

  // Opens, runs body(LiveReply&) -> Task<Result<T>>, ends the lease.
  template <typename Body>
  auto with_reply(FetchRequest request, Body&& body,
                  std::source_location at = std::source_location::current()) {
    static_assert(kAwaitable<Body>, "name the lambda first, or capture by reference: see task.h");
    return with_reply_of(request, std::decay_t<Body>(std::forward<Body>(body)), at);
  }

  ClientStats stats() const;

 private:
  template <typename Body>
  auto with_reply_of(FetchRequest request, Body body, std::source_location at)
      -> std::invoke_result_t<Body&, LiveReply&> {
    auto reply = co_await open(request, at);
    if (!reply) co_return std::move(reply).error();
    co_return co_await body(*reply);
  }

  std::unique_ptr<Pool> pool_;
};

}  // namespace plumb::runtime
