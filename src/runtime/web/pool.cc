// SPDX-License-Identifier: Apache-2.0
// Taking connections out, and taking them back.
#include "pool.h"

#include <algorithm>
#include <cerrno>

namespace plumb::runtime {

void ClientConnection::Watch::on_readable() {
  connection_.pool.readable(connection_);
}

ClientConnection::ClientConnection(Pool& in, HostPool& of, Stream on)
    : pool(in),
      host(of),
      stream(std::move(on)),
      input(stream.buffer()),
      late(stream.buffer()),
      output(stream.buffer()),
      parser(in.options.limits),
      watch(*this),
      timer(in.network.loop(), [this] { pool.time_over(*this); }) {}

void ClientConnection::turn_page() {
  input.consume(std::exchange(taken, 0));
  input.append(late.bytes());
  late.clear();
}

ClientConnection::~ClientConnection() {
  watch.unwatch();
}

Pool::Pool(Network& on, ClientOptions given) : network(on), options(std::move(given)) {
  if (options.proxies) {
    proxies_ = *options.proxies;
    return;
  }
  auto settings = ProxySettings::from_environment();
  if (settings) {
    proxies_ = *std::move(settings);
  } else {
    verdict_ = std::move(settings).error();
  }
}

Pool::~Pool() {
  while (!connections_.empty()) drop(connections_.front(), ECONNRESET);
}

CallSite& Pool::site_of(const std::source_location& at) {
  const auto [it, made] = sites_.try_emplace({at.file_name(), at.line()});
  if (made) it->second.at = at;
  return it->second;
}

HostPool& Pool::host_of(const Url& url, const Url* proxy) {
  std::string key = url.origin();
  if (proxy != nullptr) {
    // A proxy's connection serves every http host; a tunnel only the host to which it leads.
    key = url.scheme == Scheme::kHttps ? key + " by " + proxy->origin() : "by " + proxy->origin();
  }
  const auto [it, made] = hosts_.try_emplace(key);
  if (made) it->second.key = key;
  return it->second;
}

void Pool::forget_host(HostPool& host) noexcept {
  if (host.total == 0 && host.callers == 0) hosts_.erase(host.key);
}

Task<Result<ClientConnection*>> Pool::acquire(const Url& url, Wanted wanted) {
  const Url* const proxy = proxy_for(url);
  HostPool& host = host_of(url, proxy);
  // While it lives the host does; its place, when one was taken, is given back unless it was used.
  struct Caller {
    Pool& pool;
    HostPool& host;
    bool has_place = false;
    ~Caller() {
      --host.callers;
      if (has_place) {
        --host.total;
        host.freed.wake_one(pool.network.loop());
      }
      pool.forget_host(host);
    }
  } caller{*this, host};
  ++host.callers;
  const auto bound = co_await deadline(options.patience.connect);
  for (;;) {
    while (!host.idle.empty()) {
      ClientConnection& connection = *host.idle.back();
      const bool full = host.total >= options.per_host;
      if (wanted == Wanted::kFresh && !full) break;
      if (wanted == Wanted::kFresh || !connection.stream.quiet()) {
        drop(connection, 0);
        continue;
      }
      host.idle.pop_back();
      --counters.idle;
      ++counters.reuses;
      connection.watch.unwatch();
      connection.timer.cancel();
      connection.stream.set_idleness(Idleness::kBusy);
      connection.state = ClientConnection::State::kBusy;
      connection.reused = true;
      co_return &connection;
    }
    if (host.total < options.per_host) break;
    auto waited = co_await host.freed.wait();
    if (!waited) {
      const int code = waited.error().code;
      co_return fail("get connection", url.origin(), code,
                     code == ETIMEDOUT ? "all connections to it are leased" : "");
    }
  }
  ++host.total;
  caller.has_place = true;
  auto stream = co_await dial(url, proxy);
  if (!stream) co_return std::move(stream).error();
  ++counters.connects;
  auto* const connection = new ClientConnection(*this, host, *std::move(stream));
  connections_.push_back(*connection);
  caller.has_place = false;
  co_return connection;
}

std::shared_ptr<LeaseSlot> Pool::lease(ClientConnection& connection, CallSite& site,
                                       std::string url) {
  connection.state = ClientConnection::State::kLeased;
  connection.site = &site;
  connection.slot = std::shared_ptr<LeaseSlot>(new LeaseSlot{.connection = &connection,
                                                             .pool = this,
                                                             .owner = std::this_thread::get_id(),
                                                             .poster = network.loop().poster(),
                                                             .url = std::move(url)});
  connection.held.emplace("lease", site.at);
  connection.held->acquire(network.loop().holdings(), connection.slot->url.c_str());
  ++site.leased;
  ++counters.leased;
  rest(connection);
  return connection.slot;
}

void Pool::rest(ClientConnection& connection) {
  connection.timer.arm(options.patience.body);
  if (!connection.peer_finished) connection.watch.watch(connection.stream);
}

void Pool::leave_lease(ClientConnection& connection, int code) noexcept {
  if (connection.state != ClientConnection::State::kLeased) return;
  connection.state = ClientConnection::State::kBusy;
  --counters.leased;
  --connection.site->leased;
  connection.held.reset();
  connection.slot->connection = nullptr;
  connection.slot->ended_with = code;
  connection.slot.reset();
}

void Pool::drop(ClientConnection& connection, int code) noexcept {
  leave_lease(connection, code);
  HostPool& host = connection.host;
  if (connection.state == ClientConnection::State::kIdle) {
    std::erase(host.idle, &connection);
    --counters.idle;
  }
  if (connection.state == ClientConnection::State::kDraining) --counters.draining;
  delete &connection;
  --host.total;
  host.freed.wake_one(network.loop());
  forget_host(host);
}

void Pool::keep_or_drop(ClientConnection& connection) noexcept {
  const bool clean = connection.message_ended && connection.keeps &&
                     connection.parser.between_messages() && connection.input.empty() &&
                     connection.output.empty() && connection.stream.quiet();
  if (!clean || counters.idle >= options.idle) return drop(connection, 0);
  if (connection.state == ClientConnection::State::kDraining) --counters.draining;
  connection.state = ClientConnection::State::kIdle;
  connection.parser.rest();
  connection.stream.set_idleness(Idleness::kUpstream);
  connection.timer.arm(options.patience.idle);
  connection.watch.watch(connection.stream);
  connection.host.idle.push_back(&connection);
  ++counters.idle;
  connection.host.freed.wake_one(network.loop());
}

void Pool::give_back(ClientConnection& connection) noexcept {
  const bool leased = connection.state == ClientConnection::State::kLeased;
  connection.watch.unwatch();
  connection.timer.cancel();
  connection.turn_page();
  if (leased && !connection.message_ended) ++connection.site->unread;
  leave_lease(connection, 0);
  if (connection.message_ended || !leased) return keep_or_drop(connection);
  connection.state = ClientConnection::State::kDraining;
  ++counters.draining;
  connection.timer.arm(options.drain_time);
  drain(connection);
}

// Reads what is there of the rest and throws it away.
void Pool::drain(ClientConnection& connection) noexcept {
  auto& input = connection.input;
  for (;;) {
    const auto step = connection.parser.next(input.text());
    input.consume(step.consumed);
    if (step.event == http::Event::kBody) {
      connection.drained += step.body.size();
    } else if (step.event == http::Event::kEnd) {
      connection.message_ended = true;
      ++counters.drained;
      return keep_or_drop(connection);
    } else if (step.event == http::Event::kNeedMore && !connection.peer_finished) {
      const auto got = connection.stream.try_read(input);
      if (got && !*got) return connection.watch.watch(connection.stream);
      if (!got || **got == 0) connection.peer_finished = true;
    } else {
      break;
    }
    if (connection.drained > options.drain) break;
  }
  ++counters.cut;
  drop(connection, 0);
}

// The peer of a lease that nobody reads from right now has finished or failed. What it had sent is
// kept for the reader, the descriptor is not.
void Pool::pull(ClientConnection& connection) noexcept {
  while (connection.late.size() < options.drain) {
    const auto got = connection.stream.try_read(connection.late);
    if (got && !*got) return connection.watch.watch(connection.stream);
    if (got && **got != 0) continue;
    ++counters.ended_by_peer;
    connection.peer_finished = true;
    connection.stream.close();
    return;
  }
  // More than we keep: its reader, or the lease's end, will come to it.
}

void Pool::readable(ClientConnection& connection) noexcept {
  switch (connection.state) {
    case ClientConnection::State::kIdle:  // nothing that a server may say now is worth hearing
      ++counters.ended_by_peer;
      return drop(connection, 0);
    case ClientConnection::State::kDraining:
      return drain(connection);
    case ClientConnection::State::kLeased:
      if (connection.stream.ended()) return pull(connection);
      return connection.watch.watch(connection.stream);
    case ClientConnection::State::kBusy:
      return;
  }
}

void Pool::time_over(ClientConnection& connection) noexcept {
  if (connection.state == ClientConnection::State::kLeased) {
    ++counters.expired;
    ++connection.site->expired;
  }
  if (connection.state == ClientConnection::State::kDraining) ++counters.cut;
  drop(connection, ETIMEDOUT);
}

ClientStats Pool::stats() const {
  ClientStats stats = counters;
  for (const auto& [key, site] : sites_) {
    const std::string_view path(site.at.file_name());
    const auto name =
        path.substr(path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/') + 1);
    stats.sites.push_back({.where = std::string(name) + ":" + std::to_string(site.at.line()) + " " +
                                    site.at.function_name(),
                           .requests = site.requests,
                           .leased = site.leased,
                           .unread = site.unread,
                           .expired = site.expired});
  }
  return stats;
}

}  // namespace plumb::runtime
