// SPDX-License-Identifier: Apache-2.0
#include "plumb/net/meters.h"

#include <map>
#include <set>

#include "network_fixture.h"

namespace plumb::runtime {
namespace {

std::map<std::string, double> values(const Registry& registry) {
  std::map<std::string, double> result;
  for (const auto& family : registry.scrape()) {
    for (const auto& sample : family.samples) {
      std::string name = family.name;
      for (const auto& [key, value] : sample.labels) name += ' ' + value;
      result[name] = sample.value;
    }
  }
  return result;
}

using MetersTest = NetworkTest;

TEST_F(MetersTest, TellWhatTheLoopAndTheGovernorCount) {
  Registry registry;
  const auto of_loop = meter(registry, loop(), "one");
  const auto of_governor = meter(registry, network().governor());
  loop().run([](Network& net) -> Task<> {
    auto listener = net.listen(Address::loopback(0));
    auto client = co_await net.connect(*(*listener)->local());
    auto served = co_await (*listener)->accept();
    EXPECT_TRUE(served.ok());
  }(network()));
  const auto now = values(registry);
  EXPECT_EQ(now.at("plumb_accept_accepted_total"), 1);
  EXPECT_EQ(now.at("plumb_accept_shed_total silent"), 0);
  EXPECT_EQ(now.at("plumb_loop_turns_total one"), static_cast<double>(loop().counters().turns));
  EXPECT_GT(now.at("plumb_loop_turns_total one"), 0);
  EXPECT_EQ(now.at("plumb_descriptors limit"), static_cast<double>(loop().budget().limit()));
  EXPECT_EQ(now.at("plumb_descriptors reserve"),
            static_cast<double>(network().governor().reserve_held()));
  EXPECT_EQ(now.at("plumb_accept_events_total paused"), 0);
}

TEST_F(MetersTest, EveryEventIsCountedThoughNobodyListens) {
  AcceptGovernor& governor = network().governor();
  loop().run([](Network& net, AcceptGovernor& asked) -> Task<> {
    auto ends = net.pair();
    ends->first.set_idleness(Idleness::kBetween);
    EXPECT_EQ(asked.happened(GovernorEvent::kShed), 0U);
    EXPECT_TRUE(net.shed_one());
    EXPECT_EQ(asked.happened(GovernorEvent::kShed), 1U);
    co_return;
  }(network(), governor));
}

// The ledger of a network: the line of the user of each connection, whichever way it was made.
TEST_F(MetersTest, ConnectionsStandInTheLedgerWithTheirUsersLine) {
  loop().run([](Network& net) -> Task<> {
    const unsigned listened = __LINE__ + 1;
    auto listener = net.listen(Address::loopback(0));
    auto client = co_await net.connect(*(*listener)->local());
    auto served = co_await (*listener)->accept();
    std::multimap<std::string, unsigned> lines;
    for (const auto& row : net.loop().holdings().rows()) {
      if (short_file(row.site.file_name()) == "net/meters_test.cc") {
        lines.emplace(row.kind, row.site.line());
      }
    }
    EXPECT_EQ(lines.count("tcp"), 2U);
    EXPECT_TRUE(lines.contains("listener"));
    EXPECT_EQ(lines.find("listener")->second, listened);
    std::set<unsigned> streams;
    for (auto [at, end] = lines.equal_range("tcp"); at != end; ++at) streams.insert(at->second);
    EXPECT_EQ(streams, (std::set<unsigned>{listened + 1, listened + 2}));
  }(network()));
}

}  // namespace
}  // namespace plumb::runtime
