// SPDX-License-Identifier: Apache-2.0
#include "plumb/meter/ledger.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <deque>
#include <sstream>

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;

TEST(Ledger, HoldsWhatStandsOnEachShelfOfTheProcess) {
  Ledger ledger;
  EXPECT_TRUE(ledger.rows().empty());
  Holding session("session");
  session.acquire(ledger.own(), 5);
  {
    Holdings shelf("loop 1", &ledger);
    Holding held("door");
    held.acquire(shelf, 6);
    const auto rows = ledger.rows();
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].shelf, "program");
    EXPECT_EQ(rows[0].holding.kind, "session");
    EXPECT_EQ(rows[1].shelf, "loop 1");
    EXPECT_EQ(rows[1].holding.identity, 6U);
  }
  EXPECT_EQ(ledger.rows().size(), 1U);
}

TEST(Ledger, CountsKindsAndTheOldestOfEachAsMetrics) {
  Ledger ledger;
  Registry registry;
  const auto metered = ledger.meter(registry);
  Holdings shelf("loop 1", &ledger);
  shelf.keep_time(Holding::Clock::now() - 1h);
  Holding old("door");
  old.acquire(shelf);
  shelf.keep_time(Holding::Clock::now());
  Holding fresh("door"), key("key");
  fresh.acquire(shelf);
  key.acquire(shelf);
  const auto scrape = registry.scrape();
  ASSERT_EQ(scrape.size(), 2U);
  EXPECT_EQ(scrape[0].name, "plumb_holdings");
  EXPECT_EQ(scrape[0].samples[0].labels[0].second, "door");
  EXPECT_EQ(scrape[0].samples[0].value, 2);
  EXPECT_EQ(scrape[0].samples[1].value, 1);
  EXPECT_NEAR(scrape[1].samples[0].value, 3600, 60);
}

// Two doors of one line, a key of another with an odd detail.
std::vector<LedgerRow> example() {
  static Holdings shelf("loop 1");
  std::deque<Holding> held;
  const auto door = std::source_location::current();
  for (std::uint64_t i = 1; i <= 2; ++i) held.emplace_back("door", door).acquire(shelf, i);
  held.emplace_back("key", std::source_location::current())
      .acquire(shelf, 3, "a \"brass\"\n\x1b[31mone");
  std::vector<LedgerRow> rows;
  for (auto& row : shelf.rows()) rows.push_back({"loop 1", std::move(row), {}});
  rows[0].age = 90s;
  rows[1].age = 2s;
  rows[2].age = 3ms;
  return rows;
}

TEST(LedgerText, FoldsHoldingsOfOneLine) {
  std::istringstream lines(ledger_text(example()));
  std::string title, head, doors, key;
  std::getline(lines, title);
  std::getline(lines, head);
  std::getline(lines, doors);
  std::getline(lines, key);
  EXPECT_EQ(title, "3 held, from 2 lines");
  EXPECT_TRUE(head.find("ACQUIRED AT") != std::string::npos);
  EXPECT_TRUE(doors.starts_with("       2  door  loop 1  ")) << doors;
  EXPECT_TRUE(doors.find("2s … 1m30s") != std::string::npos) << doors;
  EXPECT_TRUE(doors.find("meter/ledger_test.cc:") != std::string::npos) << doors;
  EXPECT_TRUE(key.find("a \"brass\"??[31mone") != std::string::npos) << key;
  EXPECT_EQ(ledger_text({}), "0 held, from 0 lines\n");
}

TEST(LedgerJson, IsAnObjectALine) {
  std::istringstream lines(ledger_json(example()));
  std::vector<nlohmann::json> objects;
  for (std::string line; std::getline(lines, line);) objects.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(objects.size(), 3U);
  const auto& key = objects[2];
  EXPECT_EQ(key["record"], "holding");
  EXPECT_EQ(key["schema"], 1);
  EXPECT_EQ(key["shelf"], "loop 1");
  EXPECT_EQ(key["kind"], "key");
  EXPECT_EQ(key["identity"], 3);
  EXPECT_EQ(key["detail"], "a \"brass\"\n\x1b[31mone");
  EXPECT_DOUBLE_EQ(key["age_s"], 0.003);
  EXPECT_GT(key["line"], 0);
  EXPECT_TRUE(std::string(key["file"]).ends_with("ledger_test.cc"));
  EXPECT_TRUE(key["function"].is_string());
}

}  // namespace
}  // namespace plumb::runtime
