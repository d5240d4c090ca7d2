// SPDX-License-Identifier: Apache-2.0
// Everything at once, on several threads: two servers on loops of their own and a client on a third
// do what services do, well and badly, while a fourth thread reads the ledger and the metrics. What
// this shows is what the address, undefined-behaviour and thread sanitizers say of it, and that
// nothing is left afterwards.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "plumb/loop/timer.h"
#include "plumb/meter/exposition.h"
#include "plumb/meter/ledger.h"
#include "plumb/net/governor.h"
#include "plumb/net/meters.h"
#include "plumb/net/network.h"
#include "plumb/web/client.h"
#include "plumb/web/event_stream.h"
#include "plumb/web/self_pages.h"
#include "plumb/web/server.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kWorkers = 32;
constexpr std::size_t kTurns = 500;  // requests of all workers together

// What the threads share.
struct Process {
  Registry registry;
  Ledger ledger;
  DescriptorBudget budget;
  AcceptGovernor governor{budget};
};

void add_routes(Router& routes) {
  routes.get("/hello", [](const Request&) { return Response::text("hello\n"); });
  routes.get("/large", [](const Request&) { return Response::text(std::string(300'000, 'x')); });
  routes.get("/slow", [](const Request&) -> Task<Response> {
    [[maybe_unused]] const auto slept = co_await sleep(5ms);
    co_return Response::text("slow\n");
  });
  routes.get("/broken", [](Exchange& exchange) -> Task<> {
    if (!exchange.begin(Response(200))) co_return;
    if (!co_await exchange.write("begun")) co_return;
    throw std::runtime_error("as expected");
  });
  routes.get("/events", [](Exchange& exchange) {
    return serve_events(exchange, [](EventStream& events) -> Task<> {
      for (;;) {
        if (!co_await events.send({.data = "tick"})) co_return;
        if (!co_await sleep(1ms)) co_return;
      }
    });
  });
  routes.post("/echo",
              [](const Request& request) { return Response::text(std::string(request.body())); });
}

// A server on a thread of its own, until it goes.
class Service {
 public:
  Service(Process& process, const char* name) {
    std::promise<void> ready;
    const auto is_ready = ready.get_future();
    thread_ = std::thread(
        [this, &process, name, ready = std::move(ready)]() mutable { run(process, name, ready); });
    is_ready.wait();
  }
  ~Service() {
    poster_->post([this] { server_->stop(5s); });
    thread_.join();
  }
  std::string base() const { return "http://" + address_->text(); }

 private:
  void run(Process& process, const char* name, std::promise<void>& ready) {
    auto loop = Loop::create({.budget = &process.budget, .ledger = &process.ledger, .name = name});
    ASSERT_TRUE(loop.ok());
    Network network(**loop, &process.governor);
    const auto metered = meter(process.registry, **loop, name);
    Router routes;
    add_routes(routes);
    show_metrics(routes, process.registry);
    show_ledger(routes, process.ledger);
    Server server(network, routes);
    auto listener = server.listen(Address::loopback(0));
    ASSERT_TRUE(listener.ok());
    server_ = &server;
    poster_.emplace((*loop)->poster());
    address_ = *(*listener)->local();
    ready.set_value();
    EXPECT_TRUE((*loop)->run(server.serve(**listener)).ok());
    EXPECT_EQ(server.connections(), 0U);
    EXPECT_EQ(network.streams(), 0U);
  }

  Server* server_ = nullptr;
  std::optional<Poster> poster_;
  std::optional<Address> address_;
  std::thread thread_;
};

// Gives its pieces a turn of the loop apart.
class Pieces : public BodySource {
 public:
  Task<Result<std::string_view>> next() override {
    if (auto slept = co_await yield(); !slept) co_return slept.error();
    co_return left_-- > 0 ? std::string_view("piece of it\n") : std::string_view();
  }

 private:
  int left_ = 20;
};

// One request of every kind, as `turn` says; gives whether it ended as it should.
Task<bool> ask(Client& client, const std::string& base, std::size_t turn) {
  const std::array paths = {"/hello", "/large", "/slow",  "/broken",       "/events",
                            "/echo",  "/slow",  "/large", "/debug/ledger", "/metrics"};
  const std::size_t kind = turn % paths.size();
  const std::string url = base + paths[kind];
  if (kind == 3) co_return !co_await client.fetch({.url = url});
  if (kind == 4) {  // listens to some events, then is not there any more
    auto events = co_await client.open({.url = url});
    if (!events) co_return false;
    std::size_t heard = 0;
    while (heard < 50) {
      const auto piece = co_await events->read();
      if (!piece || piece->empty()) co_return false;
      heard += piece->size();
    }
    co_return true;
  }
  if (kind == 5) {
    Pieces pieces;
    const auto reply = co_await client.fetch({.method = "POST", .url = url, .source = &pieces});
    co_return reply && reply->body.size() == 240;
  }
  if (kind == 6) {  // out of patience at once, or just not
    const auto reply = co_await client.fetch({.url = url, .timeout = 5ms});
    co_return reply || reply.error().code == ETIMEDOUT;
  }
  if (kind == 7) {  // a body that nobody reads
    const auto forgotten = co_await client.open({.url = url});
    co_return forgotten.ok();
  }
  const auto reply = co_await client.fetch({.url = url});
  co_return reply && reply->status() == 200;
}

Task<> load(Loop& loop, const std::array<std::string, 2>& bases, std::size_t& wrong) {
  Network network(loop);
  Client client(network, {.per_host = kWorkers / 4, .proxies = ProxySettings{}});
  std::size_t next = 0;
  const auto work = [&]() -> Task<> {
    while (next < kTurns) {
      const std::size_t turn = next++;
      if (!co_await ask(client, bases[turn % 7 % 2], turn)) ++wrong;
    }
  };
  const auto all = [&](Scope& scope) -> Task<> {
    for (std::size_t i = 0; i < kWorkers; ++i) scope.start(work);
    co_return;
  };
  co_await open_scope(all);
  EXPECT_EQ(client.stats().leased, 0U);
}

TEST(WebUnderLoad, IsCleanAndLeavesNothing) {
  Process process;
  std::size_t wrong = 0;
  std::size_t readings = 0;
  {
    const auto of_ledger = process.ledger.meter(process.registry);
    const Service first(process, "loop 1");
    const Service second(process, "loop 2");
    std::atomic<bool> over = false;
    std::thread reader([&] {
      for (; !over; ++readings) {
        EXPECT_FALSE(ledger_text(process.ledger.rows()).empty());
        EXPECT_FALSE(expose(process.registry.scrape(), Exposition::kOpenMetrics).empty());
        std::this_thread::sleep_for(1ms);
      }
    });
    {
      auto loop =
          Loop::create({.budget = &process.budget, .ledger = &process.ledger, .name = "client"});
      (*loop)->run(load(**loop, {first.base(), second.base()}, wrong));
      EXPECT_EQ((*loop)->census(), Census{});
    }
    over = true;
    reader.join();
  }
  EXPECT_EQ(wrong, 0U);
  EXPECT_GT(readings, 0U);
  EXPECT_TRUE(process.ledger.rows().empty());
}

}  // namespace
}  // namespace plumb::runtime
