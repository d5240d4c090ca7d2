// SPDX-License-Identifier: Apache-2.0
#include "detect/model/waiting.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "tests/support/survey_builder.h"

namespace plumb::detect {
namespace {

constexpr ProcessIndex kProxy{0};

class WaitingFor : public testing::Test {
 protected:
  // A proxy with one connection to each of `clients` children that poll.
  void build(int clients, int call, std::uint64_t argument) {
    b.process(5, "proxy");
    for (int c = 0; c < clients; ++c) {
      const auto port = static_cast<std::uint16_t>(40000 + c);
      b.ip(SOCK_STREAM, SurveyBuilder::local(8118), SurveyBuilder::local(port),
           SocketState::kEstablished);
      b.stands_for(4 + c, Kind::kTcp, static_cast<std::uint32_t>(c));
    }
    for (int c = 0; c < clients; ++c) {
      const auto port = static_cast<std::uint16_t>(40000 + c);
      const auto socket = b.ip(SOCK_STREAM, SurveyBuilder::local(port), SurveyBuilder::local(8118),
                               SocketState::kEstablished);
      b.process(10 + c, "curl", 9);
      members.push_back(ProcessIndex{static_cast<std::uint32_t>(c + 1)});
      b.thread(call, argument);
      b.stands_for(5, Kind::kTcp, socket);
    }
  }
  std::vector<Waiting> waits() { return waiting_of(Joined(b.survey), members); }

  SurveyBuilder b;
  std::vector<ProcessIndex> members;
};

TEST_F(WaitingFor, TheOtherEndOfTheDescriptorInTheArgument) {
  build(3, SYS_read, 5);
  const auto all = waits();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].call, "read");
  EXPECT_EQ(all[0].evidence, WaitEvidence::kArgument);
  EXPECT_EQ(all[0].kind, Kind::kTcp);
  EXPECT_EQ(all[0].whom, kProxy);
  EXPECT_EQ(all[0].count, 3u);
}

TEST_F(WaitingFor, WhatAPollingProcessHolds) {
  build(2, SYS_poll, 0x7fff0000);
  const auto all = waits();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].evidence, WaitEvidence::kHolding);
  EXPECT_EQ(all[0].whom, kProxy);
}

TEST_F(WaitingFor, WhatTheEpollWatches) {
  build(1, SYS_epoll_wait, 9);
  b.detailed(9, Kind::kEpoll, EpollDetail{{{.fd = Fd{5}}}});
  const auto all = waits();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].evidence, WaitEvidence::kWatch);
  EXPECT_EQ(all[0].whom, kProxy);
}

TEST_F(WaitingFor, NobodyInASleep) {
  build(1, SYS_clock_nanosleep, 0);
  const auto all = waits();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].call, "clock_nanosleep");
  EXPECT_EQ(all[0].evidence, WaitEvidence::kNone);
  EXPECT_EQ(all[0].whom, std::nullopt);
}

TEST_F(WaitingFor, NothingKnownOfARunningThread) {
  build(1, SYS_read, 5);
  b.survey.threads.clear();
  b.survey.processes.back().listed_threads = 0;
  EXPECT_EQ(waits().at(0).call, "");
}

}  // namespace
}  // namespace plumb::detect
