// SPDX-License-Identifier: Apache-2.0
// Closes and uses of what is closed already.
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "detect/finding/kinds.h"
#include "tests/unit/finding/story.h"

namespace plumb::detect {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Why = ClosedEvent::Why;

constexpr OriginId kOpener{16};
constexpr OriginId kCleanup{17};
constexpr OriginId kReader{18};

class Contested : public ::testing::Test {
 protected:
  Contested() {
    ledger_.learn(kOpener, stack("open_it"), Kind::kFile, 257, false);
    ledger_.learn_closer(kCleanup, stack("cleanup"));
    ledger_.learn_closer(kReader, stack("read_it"));
  }

  void close(Why why, int fd, OriginId closer, int tid, std::uint16_t call = __NR_close) {
    ClosedEvent event;
    event.why = why;
    event.call = call;
    event.pid = Pid{812};
    event.tid = Tid{tid};
    event.time = BootTime(seconds(10)) + closes_++ * milliseconds(100);
    event.closer = closer;
    event.holding.fd = Fd{fd};
    event.holding.origin = kOpener;
    event.holding.tid = Tid{812};
    ledger_.on(event);
  }

  const Finding* find(std::string_view id) {
    const TraceFacts trace{ledger_, stacks_, {}, 0};
    const Story story([](SurveyBuilder& machine, int) { machine.process(812, "service", 1); });
    explanation_ = explain_with(story, [&](Facts& facts) { facts.trace = &trace; });
    return detect::find(explanation_, id);
  }

  StackNode stack(const char* function) {
    Frame frame;
    frame.function = function;
    const std::vector<FrameId> ids{stacks_.intern(frame)};
    return stacks_.add(ids);
  }

  StackStore stacks_;
  TraceLedger ledger_{BootTime(seconds(1)), seconds(2)};
  Explanation explanation_;
  int closes_ = 0;
};

TEST_F(Contested, TheSameThreadClosesTwice) {
  for (int n = 0; n < 3; ++n) {
    close(Why::kSuspect, 7, kReader, 812);
    close(Why::kAgain, 7, kCleanup, 812);
  }
  const Finding* finding = find(id::kDoubleClose);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::kWarning);
  EXPECT_EQ(finding->summary, "service(812) closes descriptors twice: cleanup");
  EXPECT_EQ(find(id::kClosedTooEarly), nullptr);
}

TEST_F(Contested, AnotherThreadClosesWhatIsStillUsed) {
  for (int n = 0; n < 3; ++n) {
    close(Why::kSuspect, 7, kCleanup, 999);
    close(Why::kAgain, 7, kReader, 812);
  }
  const Finding* finding = find(id::kClosedTooEarly);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::kCritical);
  EXPECT_EQ(finding->summary,
            "service(812) loses descriptors that it still uses: cleanup closes them");
  EXPECT_EQ(find(id::kDoubleClose), nullptr);
}

TEST_F(Contested, WhatIsReadAfterItsCloseWasClosedTooEarly) {
  for (int n = 0; n < 3; ++n) {
    close(Why::kSuspect, 7, kCleanup, 812);
    close(Why::kAgain, 7, kReader, 900, __NR_read);
  }
  const Finding* finding = find(id::kClosedTooEarly);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::kCritical);
  EXPECT_EQ(finding->summary,
            "service(812) loses descriptors that it still uses: cleanup closes them");
  ASSERT_EQ(finding->evidence.size(), 4u);
  EXPECT_EQ(finding->evidence[2].what, "used after");
  EXPECT_EQ(finding->evidence[2].value, "read_it, whose read fails with EBADF");
  EXPECT_EQ(find(id::kDoubleClose), nullptr);
}

TEST_F(Contested, WhereTheCloseWasNotSeenTheUserMustAct) {
  for (int n = 0; n < 3; ++n) close(Why::kAgain, 7 + n, kReader, 812, __NR_write);
  const Finding* finding = find(id::kClosedTooEarly);
  ASSERT_NE(finding, nullptr);
  EXPECT_TRUE(finding->remedy.starts_with("read_it must not use a number after its close"))
      << finding->remedy;
}

TEST_F(Contested, ClosingEverythingIsNoMistake) {
  for (int fd = 3; fd < 30; ++fd) {
    close(Why::kAgain, fd, kCleanup, 812);
    closes_ = 0;  // at once
  }
  EXPECT_EQ(find(id::kDoubleClose), nullptr);
}

TEST_F(Contested, OnceIsANote) {
  close(Why::kAgain, 7, kCleanup, 812);
  const Finding* finding = find(id::kDoubleClose);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::kInfo);
}

}  // namespace
}  // namespace plumb::detect
