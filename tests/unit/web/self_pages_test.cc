// SPDX-License-Identifier: Apache-2.0
#include "plumb/web/self_pages.h"

#include <nlohmann/json.hpp>

#include <sstream>

#include "web_fixture.h"

namespace plumb::runtime {
namespace {

class SelfPagesTest : public WebTest {
 protected:
  SelfPagesTest() {
    served_.add(3);
    show_metrics(routes, registry_);
    show_ledger(routes, ledger_);
  }

  Registry registry_;
  Ledger ledger_;
  Counter served_ = registry_.counter("served_total", "Served.");
};

TEST_F(SelfPagesTest, MetricsInTheFormatThatIsAskedFor) {
  const std::string plain = ask(get("/metrics"));
  EXPECT_TRUE(has_line(plain, "Content-Type: text/plain; version=0.0.4; charset=utf-8")) << plain;
  EXPECT_EQ(body_of(plain),
            "# HELP served_total Served.\n# TYPE served_total counter\nserved_total 3\n");
  const std::string open = ask(get(
      "/metrics", "Accept: application/openmetrics-text;version=1.0.0\r\nConnection: close\r\n"));
  EXPECT_TRUE(
      has_line(open, "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8"));
  EXPECT_EQ(body_of(open), "# HELP served Served.\n# TYPE served counter\nserved_total 3\n# EOF\n");
}

TEST_F(SelfPagesTest, TheLedgerInThreeFormats) {
  Holding held("session");
  held.acquire(ledger_.own(), 7);
  const std::string text = body_of(ask(get("/debug/ledger")));
  EXPECT_TRUE(text.starts_with("1 held, from 1 lines\n")) << text;
  EXPECT_NE(text.find("web/self_pages_test.cc:"), std::string::npos) << text;
  const auto row = nlohmann::json::parse(body_of(ask(get("/debug/ledger?format=json"))));
  EXPECT_EQ(row["kind"], "session");
  EXPECT_EQ(row["identity"], 7);
  EXPECT_NE(body_of(ask(get("/debug/ledger?format=pprof"))).find("session"), std::string::npos);
  EXPECT_TRUE(ask(get("/debug/ledger?format=xml")).starts_with("HTTP/1.1 400 "));
}

}  // namespace
}  // namespace plumb::runtime
