// SPDX-License-Identifier: Apache-2.0
// Locks of files that others wait for.
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include "detect/finding/kinds.h"
#include "tests/unit/finding/story.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kFile = 99;

// One with a single thread that sleeps in a call; it has gone to sleep `sleeps` times so far.
void single(SurveyBuilder& machine, int pid, const char* name, std::uint64_t sleeps, int call,
            std::uint64_t argument) {
  Process& process = machine.process(pid, name, 1, {name});
  process.thread_count = 1;
  process.sleeps = sleeps;
  machine.thread(call, argument);
}

void wants(SurveyBuilder& machine, int pid, std::uint64_t sleeps, int taker) {
  single(machine, pid, "wants", sleeps, SYS_flock, 3);
  machine.file(3, "/run/job.lock").inode = kFile;
  if (machine.survey.locks.empty()) {
    FileLock lock;
    lock.inode = kFile;
    lock.taker = Pid{taker};
    machine.survey.locks.push_back(lock);
  }
  machine.survey.locks.front().waiters.push_back(Pid{pid});
}

// A backup that reads a pipe of a program that sleeps, with its lock.
void draw_backup(SurveyBuilder& machine, int look) {
  wants(machine, 100, 7, 200);
  single(machine, 200, "backup", 40U + unsigned(look), SYS_read, 5);
  machine.file(4, "/run/job.lock").inode = kFile;
  machine.survey.locks.front().holds = {DescriptorIndex{1}};
  machine.pipe(5, 77, O_RDONLY);
  single(machine, 300, "dump", 1U, SYS_clock_nanosleep, 0);
  machine.pipe(1, 77, O_WRONLY);
}

TEST(LockHeld, NamesWhoHasItAndForWhomThatOneWaits) {
  const Explanation found = Story(draw_backup).explain({*parse_selector("wants")});
  const Finding* finding = find(found, id::kLockHeld);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::kWarning) << "the chosen one waits";
  EXPECT_EQ(finding->subject.process.pid, Pid{200});
  EXPECT_EQ(finding->summary,
            "backup(200) keeps the lock of /run/job.lock, for which wants(100) waits");
  EXPECT_EQ(finding->whose_move, "dump(300)");
  ASSERT_EQ(finding->leads_to.size(), 1U);
  EXPECT_EQ(finding->leads_to.front().pid, Pid{100});
}

TEST(LockHeld, IsANoteForTheMachineAsLongAsFewWait) {
  const Explanation found = Story(draw_backup).explain();
  const Finding* finding = find(found, id::kLockHeld);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::kInfo);
}

TEST(LockHeld, ManyThatWaitAreAWarning) {
  const Story story([](SurveyBuilder& machine, int) {
    for (int waiter = 0; waiter < 6; ++waiter) wants(machine, 100 + waiter, 7, 200);
    single(machine, 200, "backup", 1, SYS_clock_nanosleep, 0);
  });
  const Explanation found = story.explain();
  const Finding* finding = find(found, id::kLockHeld);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::kWarning);
  EXPECT_EQ(finding->weight, 6U);
}

// Workers that hand a lock around wake whenever it is released.
TEST(LockHeld, ALockThatIsHandedAroundIsSilent) {
  const Story story([](SurveyBuilder& machine, int look) {
    const auto sleeps = static_cast<std::uint64_t>(10 * look);
    wants(machine, 100, sleeps, 200);
    single(machine, 200, "other", sleeps, SYS_clock_nanosleep, 0);
  });
  EXPECT_EQ(find(story.explain({*parse_selector("wants")}), id::kLockHeld), nullptr);
}

TEST(LockHeld, AnotherHolderThanAtFirstIsSilent) {
  const Story story([](SurveyBuilder& machine, int look) {
    wants(machine, 100, 7, look == 0 ? 201 : 200);
    single(machine, 200, "one", 1, SYS_clock_nanosleep, 0);
    single(machine, 201, "two", 1, SYS_clock_nanosleep, 0);
  });
  EXPECT_EQ(find(story.explain({*parse_selector("wants")}), id::kLockHeld), nullptr);
}

TEST(LockHeld, AShortWaitIsSilent) {
  EXPECT_EQ(find(Story(draw_backup, 6).explain({*parse_selector("wants")}), id::kLockHeld),
            nullptr);
}

// As of a daemon and the file with its number.
TEST(LockHeld, WhereNobodyWaitsThereIsNothingToSay) {
  const Story story([](SurveyBuilder& machine, int) {
    single(machine, 200, "daemon", 1, SYS_clock_nanosleep, 0);
    machine.file(4, "/run/daemon.pid").inode = kFile;
  });
  EXPECT_EQ(find(story.explain({*parse_selector("daemon")}), id::kLockHeld), nullptr);
}

// Each has what the other wants: that is told once, as a ring.
TEST(LockHeld, ARingOfLocksIsToldAsARing) {
  const Story story([](SurveyBuilder& machine, int) {
    for (const int pid : {100, 200}) {
      const int other = 300 - pid;
      single(machine, pid, pid == 100 ? "one" : "two", 3, SYS_flock, 3);
      machine.file(3, "/run/wanted").inode = static_cast<std::uint64_t>(other);
      FileLock lock;
      lock.inode = static_cast<std::uint64_t>(other);
      lock.taker = Pid{other};
      lock.waiters = {Pid{pid}};
      machine.survey.locks.push_back(lock);
    }
  });
  const Explanation found = story.explain({*parse_selector("one")});
  EXPECT_EQ(find(found, id::kLockHeld), nullptr);
  EXPECT_NE(find(found, id::kIdlePeerWaits), nullptr);
}

}  // namespace
}  // namespace plumb::detect
