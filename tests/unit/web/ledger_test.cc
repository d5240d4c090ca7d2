// SPDX-License-Identifier: Apache-2.0
// A lease in the ledger and in the metrics.
#include "plumb/web/client.h"
#include "plumb/web/meters.h"
#include "plumb/web/self_pages.h"
#include "web_fixture.h"

namespace plumb::runtime {
namespace {

// The loop of the fixture has no ledger: a loop of this test's own has.
TEST(WebLedger, ALeaseStandsInTheLedgerWithItsLineWhileItLasts) {
  Ledger ledger;
  Registry registry;
  auto loop = Loop::create({.ledger = &ledger, .name = "test loop"});
  ASSERT_TRUE(loop.ok());
  const auto run = [&]() -> Task<> {
    Network network(**loop);
    Router routes;
    routes.get("/huge", [](const Request&) {
      return Response(200, "application/octet-stream", std::string(8 * 1024 * 1024, 'x'));
    });
    show_metrics(routes, registry);
    show_ledger(routes, ledger);
    Server server(network, routes);
    auto listener = server.listen(Address::loopback(0));
    const std::string base = "http://" + (*listener)->local()->text();
    const auto both = [&](Scope& scope) -> Task<> {
      const auto serve = [&]() -> Task<> {
        [[maybe_unused]] const auto served = co_await server.serve(**listener);
      };
      scope.start(serve);
      {
        Client client(network, {.proxies = ProxySettings{}});
        const auto server_meter = meter(registry, server, "main");
        const auto client_meter = meter(registry, client, "test");
        const std::string huge = base + "/huge";
        const std::string page = base + "/debug/ledger";
        const std::string json = base + "/debug/ledger?format=json";
        const std::string metrics = base + "/metrics";
        std::string line;
        {
          const auto lease = co_await client.open({.url = huge});
          line = "ledger_test.cc:" + std::to_string(__LINE__ - 1);
          const auto text = co_await client.fetch({.url = page});
          EXPECT_TRUE(text && text->body.find("lease") != std::string::npos);
          EXPECT_TRUE(text && text->body.find(line) != std::string::npos) << text->body;
          const auto rows = co_await client.fetch({.url = json});
          EXPECT_TRUE(rows && rows->body.find("\"kind\":\"lease\"") != std::string::npos);
          const auto numbers = co_await client.fetch({.url = metrics});
          EXPECT_TRUE(numbers && numbers->body.find("plumb_http_client_connections{client=\"test\","
                                                    "state=\"leased\"} 1\n") != std::string::npos)
              << numbers->body;
        }
        const auto text = co_await client.fetch({.url = page});
        EXPECT_TRUE(text && text->body.find(line) == std::string::npos) << text->body;
        const std::string wrong = base + "/debug/ledger?format=xml";
        const auto refused = co_await client.fetch({.url = wrong});
        EXPECT_TRUE(refused && refused->status() == 400);
      }
      server.stop(std::chrono::seconds(5));
    };
    co_await open_scope(both);
  };
  (*loop)->run(run());
}

}  // namespace
}  // namespace plumb::runtime
