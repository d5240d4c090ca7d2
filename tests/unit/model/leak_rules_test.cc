// SPDX-License-Identifier: Apache-2.0
// Which leftovers are leaks, rule by rule.
#include "detect/model/leak_rules.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <vector>

namespace plumb::detect {
namespace {

class Rules : public testing::Test {
 protected:
  StackNode stack(const std::string& function) {
    Frame frame;
    frame.function = function;
    const std::vector<FrameId> frames = {stacks_.intern(frame)};
    return stacks_.add(frames);
  }
  // A descriptor that a process of this number held when it exited with 0.
  Leftover& held(Kind kind, int fd, const std::string& function = "take", int pid = 10) {
    Leftover left;
    left.kind = kind;
    left.pid = Pid{pid};
    left.process = "server";
    left.status = 0;
    left.fd = Fd{fd};
    left.acquisition = ++acquisitions_;
    left.stack = stack(function);
    left_.push_back(left);
    return left_.back();
  }
  LeakVerdict judge() const { return judge_leftovers(left_, allow_, stacks_); }
  // The excuses of what is none, each with its count.
  std::vector<std::pair<Excuse, std::uint64_t>> excuses() const {
    std::vector<std::pair<Excuse, std::uint64_t>> found;
    for (const LeakGroup& group : judge().excused) found.emplace_back(*group.excuse, group.count);
    return found;
  }
  using Excuses = std::vector<std::pair<Excuse, std::uint64_t>>;

  StackStore stacks_;
  AllowList allow_;
  std::vector<Leftover> left_;
  std::uint64_t acquisitions_ = 0;
};

TEST_F(Rules, OneOpenFileIsALeak) {
  held(Kind::kFile, 3);
  const LeakVerdict verdict = judge();
  ASSERT_EQ(verdict.leaks.size(), 1U);
  EXPECT_EQ(verdict.leaked(), 1U);
  EXPECT_TRUE(verdict.excused.empty());
}

TEST_F(Rules, EqualOnesAreOneGroupAlsoOverProcesses) {
  for (int fd = 3; fd < 9; ++fd) held(Kind::kFile, fd);
  held(Kind::kFile, 3, "take", 11);
  held(Kind::kFile, 3, "other");
  const LeakVerdict verdict = judge();
  ASSERT_EQ(verdict.leaks.size(), 2U);
  EXPECT_EQ(verdict.leaks[0].count, 7U);
  EXPECT_EQ(verdict.leaks[0].processes, 2U);
  EXPECT_EQ(verdict.leaks[0].samples.size(), LeakGroup::kMostSamples);
  EXPECT_EQ(verdict.leaks[1].count, 1U);
}

TEST_F(Rules, MemoryThatNothingLeadsToIsALeakAndOtherMemoryIsNone) {
  const auto lost = [&](std::uint64_t bytes, std::uint64_t weight) -> Leftover& {
    Leftover& left = held(Kind::kHeap, 0);
    left.what = Leftover::What::kResource;
    left.fd.reset();
    left.bytes = bytes;
    left.weight = weight;
    return left;
  };
  lost(40, 1);
  lost(4096, 128);
  lost(8, 1).referenced = true;
  lost(16, 1).status = 9;
  const LeakVerdict verdict = judge();
  ASSERT_EQ(verdict.leaks.size(), 1U);
  EXPECT_EQ(verdict.leaks[0].count, 129U);
  EXPECT_EQ(verdict.leaks[0].bytes, 4136U);
  EXPECT_EQ(excuses(), (Excuses{{Excuse::kReferenced, 1}, {Excuse::kKilled, 1}}));
}

TEST_F(Rules, AHandleOfALibraryIsALeakByTheNameOfItsPair) {
  Leftover& left = held(Kind::kPair, 0);
  left.what = Leftover::What::kResource;
  left.fd.reset();
  left.kind_name = "sqlite.db";
  EXPECT_EQ(judge().leaked(), 1U);
  EXPECT_EQ(kind_of(left_.front()), "sqlite.db");
  ASSERT_TRUE(allow_.add("kind:sqlite.*", "here"));
  EXPECT_EQ(excuses(), (Excuses{{Excuse::kAllowed, 1}}));
}

TEST_F(Rules, WhatTheLoaderMapsIsTheProgram) {
  Frame inner;
  inner.module = "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2";
  Frame outer;
  outer.module = "/usr/bin/server";
  const std::vector<FrameId> loaders = {stacks_.intern(inner), stacks_.intern(outer)};
  const std::vector<FrameId> own = {stacks_.intern(outer), stacks_.intern(inner)};
  EXPECT_TRUE(made_by_loader(stacks_.add(loaders), stacks_));
  EXPECT_FALSE(made_by_loader(stacks_.add(own), stacks_));
  EXPECT_FALSE(made_by_loader(StackStore::kEmpty, stacks_));
}

TEST_F(Rules, StandardStreamsAreNone) {
  held(Kind::kFile, 0);
  held(Kind::kPipe, 2);
  EXPECT_TRUE(judge().leaks.empty());
  EXPECT_EQ(excuses().front().first, Excuse::kStandard);
}

TEST_F(Rules, WhoeverWasKilledHadNoChance) {
  held(Kind::kFile, 3).status = 9;
  EXPECT_EQ(excuses(), (Excuses{{Excuse::kKilled, 1}}));
  left_.clear();
  held(Kind::kFile, 3).status = 1 << 8;  // exited with 1
  EXPECT_EQ(judge().leaked(), 1U);
}

TEST_F(Rules, ALoopIsNoLeakButTheSecondOfItsOriginIs) {
  held(Kind::kEpoll, 3);
  EXPECT_EQ(excuses(), (Excuses{{Excuse::kEventLoop, 1}}));
  held(Kind::kEpoll, 4);
  EXPECT_EQ(judge().leaked(), 1U);
  // In another process the first is a first again.
  held(Kind::kEpoll, 3, "take", 11);
  EXPECT_EQ(judge().leaked(), 1U);
}

TEST_F(Rules, WhatWakesALoopIsExcusedOnlyBesideOne) {
  held(Kind::kEventfd, 4, "wake");
  const std::uint64_t call = held(Kind::kPipe, 5, "signal").acquisition;
  held(Kind::kPipe, 6, "signal").acquisition = call;
  EXPECT_EQ(judge().leaked(), 3U);
  held(Kind::kEpoll, 3, "loop");
  EXPECT_EQ(judge().leaked(), 0U);
  // One end of a pipe wakes nobody.
  held(Kind::kPipe, 7, "child");
  EXPECT_EQ(judge().leaked(), 1U);
}

TEST_F(Rules, DevicesAndLogsOnceAnOrigin) {
  held(Kind::kCharacterDevice, 3).name = "/dev/urandom";
  held(Kind::kCharacterDevice, 4, "tty").name = "/dev/ttyS0";
  Leftover& log = held(Kind::kFile, 5, "log");
  log.flags = O_WRONLY | O_APPEND;
  const LeakVerdict verdict = judge();
  ASSERT_EQ(verdict.leaks.size(), 1U);
  EXPECT_EQ(verdict.leaks[0].first().name, "/dev/ttyS0");
  held(Kind::kFile, 6, "log").flags = O_WRONLY | O_APPEND;
  EXPECT_EQ(judge().leaked(), 2U);
}

TEST_F(Rules, SyslogsSocketIsALoggers) {
  held(Kind::kUnix, 3, "openlog_internal");
  held(Kind::kUnix, 4, "connect_to_database");
  EXPECT_EQ(judge().leaked(), 1U);
  EXPECT_EQ(excuses(), (Excuses{{Excuse::kLogger, 1}}));
}

TEST_F(Rules, AShellsScriptIsNone) {
  Leftover& script = held(Kind::kFile, 255);
  script.process = "bash";
  script.flags = O_RDONLY | O_CLOEXEC;
  EXPECT_EQ(excuses(), (Excuses{{Excuse::kScript, 1}}));
  left_.back().process = "server";
  EXPECT_EQ(judge().leaked(), 1U);
  Leftover& redirected = left_.back();
  redirected.process = "bash";
  redirected.fd = Fd{3};
  redirected.flags = O_RDONLY;
  EXPECT_EQ(judge().leaked(), 1U);
}

TEST_F(Rules, PatternsAllowAndAreCounted) {
  ASSERT_TRUE(allow_.add("function:take", "here"));
  ASSERT_TRUE(allow_.add("function:never", "there"));
  held(Kind::kFile, 3);
  held(Kind::kFile, 4, "other");
  const LeakVerdict verdict = judge();
  EXPECT_EQ(verdict.leaked(), 1U);
  EXPECT_EQ(verdict.allowed, (std::vector<std::uint64_t>{1, 0}));
  ASSERT_EQ(verdict.excused.size(), 1U);
  EXPECT_EQ(verdict.excused[0].pattern, 0U);
}

TEST_F(Rules, NamesBelowALeftDirectoryArePartOfIt) {
  const auto name = [&](const std::string& path) {
    Leftover left;
    left.what = Leftover::What::kFile;
    left.process = "server";
    left.name = path;
    left.acquisition = ++acquisitions_;
    left.stack = stack(path);
    left_.push_back(left);
  };
  name("/tmp/job/part");
  name("/tmp/job");
  name("/tmp/job/more/part");
  name("/tmp/jobshop");
  const LeakVerdict verdict = judge();
  ASSERT_EQ(verdict.leaked(), 2U);
  EXPECT_EQ(verdict.leaks[0].first().name, "/tmp/job");
  EXPECT_EQ(verdict.leaks[0].first().within, 2U);
  EXPECT_EQ(verdict.leaks[1].first().name, "/tmp/jobshop");
}

TEST_F(Rules, ZombiesAndThoseLeftRunningHaveNoExcuse) {
  for (const auto what : {Leftover::What::kRunning, Leftover::What::kUnwaited}) {
    Leftover left;
    left.what = what;
    left.process = "helper";
    left_.push_back(left);
  }
  EXPECT_EQ(judge().leaked(), 2U);
}

}  // namespace
}  // namespace plumb::detect
