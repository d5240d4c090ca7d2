// SPDX-License-Identifier: Apache-2.0
// Router: which handler answers which method and path.
//
//   Router routes;
//   routes.get("/hello", [](const Request&) { return Response::text("hello\n"); });
//   routes.get("/users/{id}", [&](const Request& request) -> Task<Response> { … });
//   routes.get("/log", [&](Exchange& exchange) -> Task<> { … });
//
// A pattern is segments between slashes: a literal, {name} for any one segment that is not empty,
// and at its end {name...} for the rest, which may be empty. A literal is preferred to {name}, that
// to the rest, segment by segment from the left. HEAD is answered by GET's handler, OPTIONS and 405
// by the router, unless a route says otherwise.
//
// The three kinds of handlers:
//   Response(const Request&)        called by the loop, body read already; must not block
//   Task<Response>(const Request&)  may wait; body read already
//   Task<>(Exchange&)               reads and answers piece by piece
// Handlers and what they capture must live as long as the router, the router as long as its server.
// Threads: built before it is used; then read only, by any.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "plumb/base/result.h"
#include "plumb/loop/task.h"
#include "plumb/web/request.h"
#include "plumb/web/response.h"

namespace plumb::runtime {

class Exchange;

using PlainHandler = std::function<Response(const Request&)>;
using WaitingHandler = std::function<Task<Response>(const Request&)>;
using StreamingHandler = std::function<Task<>(Exchange&)>;
using Handler = std::variant<PlainHandler, WaitingHandler, StreamingHandler>;

struct RouteOptions {
  std::size_t body = 1024 * 1024;  // the most that a body may have to be read for the handler
};

struct Route {
  std::string method;
  std::string pattern;
  Handler handler;
  RouteOptions options;
  std::source_location site;  // where it was added: the line of its requests in the ledger
};

class Router {
 public:
  Router();
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  template <typename Callable>
  void add(std::string_view method, std::string_view pattern, Callable handler,
           RouteOptions options = {}, std::source_location site = std::source_location::current()) {
    insert(method, pattern, wrap(std::move(handler)), options, site);
  }
  template <typename Callable>
  void get(std::string_view pattern, Callable handler,
           std::source_location site = std::source_location::current()) {
    add("GET", pattern, std::move(handler), {}, site);
  }
  template <typename Callable>
  void post(std::string_view pattern, Callable handler, RouteOptions options = {},
            std::source_location site = std::source_location::current()) {
    add("POST", pattern, std::move(handler), options, site);
  }

  // The first pattern that made no sense or stood there already: EINVAL, EEXIST. A server refuses
  // to start with it.
  const Result<void>& verdict() const noexcept { return verdict_; }

  // Fills the request's path and parameters from its head. A route; or a status, 400, 404 or 405,
  // or 200 for an OPTIONS that no route answers. `allow` is filled with 405 and with OPTIONS.
  struct Found {
    const Route* route = nullptr;
    int status = 0;
    std::string allow;
  };
  Found find(Request& request) const;

 private:
  struct Node;

  template <typename Callable>
  static Handler wrap(Callable handler) {
    if constexpr (std::is_invocable_v<Callable&, Exchange&>) {
      static_assert(std::is_same_v<std::invoke_result_t<Callable&, Exchange&>, Task<>>);
      return StreamingHandler(std::move(handler));
    } else if constexpr (std::is_same_v<std::invoke_result_t<Callable&, const Request&>,
                                        Task<Response>>) {
      return WaitingHandler(std::move(handler));
    } else {
      return PlainHandler(std::move(handler));
    }
  }
  void insert(std::string_view method, std::string_view pattern, Handler handler,
              RouteOptions options, std::source_location site);

  std::unique_ptr<Node> root_;
  Result<void> verdict_;
};

}  // namespace plumb::runtime
