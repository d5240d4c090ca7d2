// SPDX-License-Identifier: Apache-2.0
// A server with every form that an answer can have, for the tests with other people's clients.
// usage: plumb_web_server     prints its port, then what is posted to /report, a line each; ends on
//                             SIGTERM, and says what its loop still owns
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "plumb/loop/signals.h"
#include "plumb/web/event_stream.h"
#include "plumb/web/server.h"
#include "plumb/web/websocket.h"

namespace {

using namespace plumb;
using namespace plumb::runtime;
using namespace std::chrono_literals;

std::string text() {
  std::string lines;
  for (int i = 0; i < 1000; ++i) lines += "line " + std::to_string(i) + "\n";
  return lines;
}

// A page for browsers: 200 things to load; then it listens to /events, and reports what came.
constexpr int kResources = 200;

std::string page() {
  std::string html =
      "<!doctype html><meta charset=utf-8><title>200</title><link rel=icon href=data:,>\n"
      "<script>var loaded = 0, failed = 0, ran = 0;</script>\n";
  for (int i = 0; i < kResources; ++i) {
    const std::string address = "/resource/" + std::to_string(i);
    const std::string told = address + " onload=loaded++ onerror=failed++>";
    if (i % 3 == 0) html += "<script src=" + told + "</script>\n";
    if (i % 3 == 1) html += "<link rel=stylesheet href=" + told + "\n";
    if (i % 3 == 2) html += "<img src=" + told + "\n";
  }
  return html + R"(<script>
addEventListener("load", () => {
  let events = 0, wrong = 0;
  new EventSource("/events").onmessage = event => {
    wrong += event.data != events++;
    if (events == 50)
      fetch("/report", {method: "POST",
                        body: JSON.stringify({loaded, failed, ran, events, wrong})});
  };
});
</script>
)";
}

Response resource(int number) {
  const std::string text = std::to_string(number);
  if (number % 3 == 0) return Response(200, "text/javascript", "ran++;  // " + text + "\n");
  if (number % 3 == 1) return Response(200, "text/css", ".c" + text + " { color: red }\n");
  return Response(200, "image/svg+xml",
                  "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>"
                  "<rect width='9' height='9'/><!-- " +
                      text + " --></svg>");
}

void add_page(Router& routes) {
  routes.get("/page", [](const Request&) { return Response::html(page()); });
  routes.get("/resource/{number}", [](const Request& request) {
    return resource(std::atoi(std::string(request.parameter("number")).c_str()));
  });
  routes.post("/report", [](const Request& request) {
    std::printf("%s\n", std::string(request.body()).c_str());
    std::fflush(stdout);
    return Response(204);
  });
}

void add_routes(Router& routes) {
  add_page(routes);
  routes.get("/", [](const Request&) { return Response::text("hello\n"); });
  routes.get("/length", [](const Request&) { return Response::text(text()); });
  routes.get("/chunked", [](Exchange& exchange) -> Task<> {
    Response head(200);
    head.set_type("text/plain");
    if (!exchange.begin(head)) co_return;
    const std::string whole = text();
    for (std::size_t at = 0; at < whole.size(); at += 1000) {
      if (!co_await exchange.write(std::string_view(whole).substr(at, 1000))) co_return;
    }
  });
  routes.get("/empty", [](const Request&) { return Response::text(""); });
  routes.get("/204", [](const Request&) { return Response(204); });
  routes.get("/304", [](const Request&) { return Response(304); });
  routes.post("/echo",
              [](const Request& request) { return Response::text(std::string(request.body())); });
  routes.get("/events", [](Exchange& exchange) {
    return serve_events(exchange, [](EventStream& events) -> Task<> {
      for (int i = 0;; ++i) {
        const std::string number = std::to_string(i);
        if (!co_await events.send({.data = number})) co_return;
        if (!co_await runtime::sleep(20ms)) co_return;
      }
    });
  });
  routes.get("/ws", [](Exchange& exchange) {
    return serve_websocket(exchange, [](WebSocket& socket) -> Task<> {
      for (;;) {
        const auto message = co_await socket.receive();
        if (!message || !*message) co_return;
        if (!co_await socket.send(**message)) co_return;
      }
    });
  });
}

Task<Result<void>> serve(Loop& loop) {
  auto signals = Signals::block(loop, {SIGTERM});
  if (!signals) co_return std::move(signals).error();
  Network network(loop);
  Router routes;
  add_routes(routes);
  Server server(network, routes);
  auto listener = server.listen(Address::loopback(0));
  if (!listener) co_return std::move(listener).error();
  std::printf("%d\n", (*listener)->local()->port());
  std::fflush(stdout);
  const auto both = [&](Scope& scope) -> Task<Result<void>> {
    const auto until_signal = [&]() -> Task<> {
      [[maybe_unused]] const auto signal = co_await (*signals)->next();
      server.stop(2s);
    };
    scope.start(until_signal);
    co_return co_await server.serve(**listener);
  };
  const auto served = co_await open_scope(both);
  std::printf("%zu connections, %zu streams\n", server.connections(), network.streams());
  co_return served;
}

}  // namespace

int main() {
  auto loop = Loop::create();
  if (!loop) return 1;
  const auto served = (*loop)->run(serve(**loop));
  if (!served) std::fprintf(stderr, "%s\n", served.error().message().c_str());
  return served ? 0 : 1;
}
