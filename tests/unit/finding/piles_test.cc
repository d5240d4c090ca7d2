// SPDX-License-Identifier: Apache-2.0
// What piles up outside of descriptor tables: bytes unread, descriptors not received, mappings.
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "detect/finding/kinds.h"
#include "tests/unit/finding/traced_growth.h"

namespace plumb::detect {
namespace {

using std::chrono::seconds;

// A client with `connections` answers of which `unread` bytes are left, since a while ago.
void draw_client(SurveyBuilder& machine, int connections, std::uint32_t unread) {
  for (int c = 0; c < connections; ++c) {
    const auto port = static_cast<std::uint16_t>(40000 + c);
    const auto client = machine.ip(SOCK_STREAM, SurveyBuilder::local(port),
                                   SurveyBuilder::local(8080), SocketState::kEstablished);
    machine.survey.sockets[client].receive_queue = unread;
    machine.survey.sockets[client].last_received = BootTime(seconds(3000));
  }
  machine.process(812, "client", 1, {"client"});
  for (int c = 0; c < connections; ++c) {
    machine.stands_for(4 + c, Kind::kTcp, static_cast<std::uint32_t>(c));
  }
}

TEST(UnreadBody, MoreAndMoreConnectionsWithBytesThatNobodyReads) {
  const Explanation found = Story([](SurveyBuilder& machine, int look) {
                              draw_client(machine, 3 + look, 5000);
                            }).explain();
  const Finding* finding = find(found, id::kUnreadBody);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::kWarning);
  EXPECT_EQ(finding->weight, 22U);
  EXPECT_TRUE(finding->summary.starts_with("client(812) leaves 22 connections with "))
      << finding->summary;
}

TEST(UnreadBody, AFewThatStandAreNoWarning) {
  const Explanation found =
      Story([](SurveyBuilder& machine, int) { draw_client(machine, 3, 5000); }).explain();
  const Finding* finding = find(found, id::kUnreadBody);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::kInfo);
}

TEST(UnreadBody, WhatIsReadIsSilent) {
  const Explanation found =
      Story([](SurveyBuilder& machine, int look) { draw_client(machine, 3 + look, 0); }).explain();
  EXPECT_EQ(find(found, id::kUnreadBody), nullptr);
}

// A worker to which descriptors are sent.
Explanation with_in_flight(const std::function<std::uint32_t(int)>& in_flight) {
  return Story([&](SurveyBuilder& machine, int look) {
           const auto first = machine.socket_pair(SOCK_DGRAM);
           machine.survey.sockets[first].in_flight = in_flight(look);
           machine.process(20, "worker", 1, {"worker"});
           machine.stands_for(3, Kind::kUnix, first);
           machine.process(30, "master", 1, {"master"});
           machine.stands_for(3, Kind::kUnix, first + 1);
         })
      .explain();
}

TEST(UnreceivedDescriptor, TheReceiverMustAct) {
  const Explanation found = with_in_flight([](int look) { return 1U + unsigned(look); });
  const Finding* finding = find(found, id::kUnreceivedDescriptor);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->subject.process.pid, Pid{20});
  EXPECT_EQ(finding->weight, 20U);
  ASSERT_GE(finding->evidence.size(), 2U);
  EXPECT_EQ(finding->evidence[1].value, "master(30)");
}

TEST(UnreceivedDescriptor, ThoseThatComeAndGoAreSilent) {
  const Explanation found = with_in_flight([](int look) { return look % 3 == 0 ? 8U : 0U; });
  EXPECT_EQ(find(found, id::kUnreceivedDescriptor), nullptr);
}

Explanation with_mappings(const std::function<std::uint32_t(int)>& count,
                          const std::vector<MappingGrowth::Row>& rows) {
  const Story story([&](SurveyBuilder& machine, int look) {
    machine.process(812, "indexer", 1).mappings = count(look);
  });
  const MappingGrowth growth{Pid{812}, rows};
  return explain_with(story, [&](Facts& facts) { facts.mappings = {&growth, 1}; });
}

TEST(MappingLeak, NamesTheFileThatIsMappedAgainAndAgain) {
  const Explanation found = with_mappings([](int look) { return 100U + unsigned(look); },
                                          {{"/srv/index.db", 3, 22, 22 * 4096}});
  const Finding* finding = find(found, id::kMappingLeak);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::kWarning);
  EXPECT_EQ(finding->remedy, "indexer(812) must munmap() /srv/index.db when it has read it");
}

TEST(MappingLeak, MemoryWithoutAFileIsANote) {
  const Explanation found =
      with_mappings([](int look) { return 100U + unsigned(look); }, {{"memory", 3, 22, 22 * 4096}});
  const Finding* finding = find(found, id::kMappingLeak);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::kInfo);
}

// A trace in which mmap() under `functions`, innermost first, has made one mapping each second.
const Finding* mapped_by(std::initializer_list<const char*> functions, Explanation& found) {
  TracedGrowth growth;
  growth.made_by(functions, Kind::kMapping, SYS_mmap,
                 [](int born) { return 0x1000U * static_cast<unsigned>(born + 1); });
  growth.run();
  const Story story([](SurveyBuilder& machine, int look) {
    machine.process(812, "indexer", 1).mappings = 100U + unsigned(look);
  });
  const TraceFacts trace = growth.facts();
  found = explain_with(story, [&](Facts& facts) { facts.trace = &trace; });
  return find(found, id::kMappingLeak);
}

TEST(MappingLeak, WhoCallsMmapIsTold) {
  Explanation found;
  const Finding* finding = mapped_by({"mmap64", "map_page"}, found);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::kWarning);
  EXPECT_EQ(finding->remedy, "map_page must munmap() what it maps");
  EXPECT_EQ(finding->stack.size(), 2u);
}

TEST(MappingLeak, AnAllocatorsMappingsAreANote) {
  Explanation found;
  const Finding* finding = mapped_by({"mmap64", "sysmalloc", "malloc", "remember"}, found);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::kInfo);
  EXPECT_EQ(finding->stack.size(), 4u);
}

TEST(MappingLeak, AsManyAsBeforeAreSilent) {
  const Explanation found = with_mappings([](int look) { return 100U + unsigned(look) % 3; }, {});
  EXPECT_EQ(find(found, id::kMappingLeak), nullptr);
}

}  // namespace
}  // namespace plumb::detect
