// SPDX-License-Identifier: Apache-2.0
// Listening, accepting, stopping.
#include "plumb/web/server.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "server_connection.h"

namespace plumb::runtime {
namespace {

// What a newcomer is told when there is no room: measure 3 of the governor.
constexpr std::string_view kBusy =
    "HTTP/1.1 503 Service Unavailable\r\n"
    "Retry-After: 1\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Content-Length: 24\r\n"
    "Connection: close\r\n"
    "\r\n"
    "503 Service Unavailable\n";

}  // namespace

Server::Server(Network& network, const Router& routes, ServerOptions options)
    : state_(std::make_unique<State>(network, routes, std::move(options))) {}

Server::~Server() {
  if (state_->serving.empty() && state_->connection_count == 0) return;
  std::fprintf(stderr, "plumb: a server ended before its %zu connections\n",
               state_->connection_count);
  std::abort();
}

Result<std::unique_ptr<Listener>> Server::listen(const Address& address,
                                                 const ServeOptions& options) {
  if (const auto& verdict = state_->routes.verdict(); !verdict) return verdict.error();
  return state_->network.listen(address,
                                {.backlog = options.backlog,
                                 .reuse_port = options.reuse_port,
                                 .listener_class = options.listener_class,
                                 .busy = options.tls == nullptr ? kBusy : std::string_view(),
                                 .tls = options.tls});
}

Task<Result<void>> Server::serve(Listener& listener) {
  State& state = *state_;
  if (const auto& verdict = state.routes.verdict(); !verdict) co_return verdict.error();
  const auto accepting = [&](Scope& scope) -> Task<Result<void>> {
    State::Serving serving(state.network.loop(), listener, scope);
    state.serving.push_back(serving);
    Result<void> outcome;
    while (!state.stopping) {
      auto stream = co_await listener.accept();
      if (!stream) {
        if (stream.error().code != EBADF) outcome = std::move(stream).error();
        break;
      }
      scope.start(converse(state, *std::move(stream), listener.listener_class()));
    }
    co_await scope.join();
    co_return outcome;
  };
  co_return co_await open_scope(accepting);
}

void Server::stop(std::chrono::nanoseconds grace) {
  State& state = *state_;
  state.stopping = true;
  state.serving.for_each([&](State::Serving& serving) {
    serving.listener.close();
    serving.grace.arm(grace);
  });
  state.connections.for_each([](ServerConnection& connection) {
    if (connection.pump != nullptr) connection.pump->stop();
  });
}

bool Server::stopping() const noexcept {
  return state_->stopping;
}
const ServerCounters& Server::counters() const noexcept {
  return state_->counters;
}
std::size_t Server::connections() const noexcept {
  return state_->connection_count;
}

}  // namespace plumb::runtime
