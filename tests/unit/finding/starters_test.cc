// SPDX-License-Identifier: Apache-2.0
// Who starts the threads and children that pile up.
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "detect/finding/kinds.h"
#include "tests/unit/finding/traced_growth.h"

namespace plumb::detect {
namespace {

std::string row(const Finding& finding, std::string_view what) {
  const auto found = std::ranges::find(finding.evidence, what, &Evidence::what);
  return found == finding.evidence.end() ? std::string() : found->value;
}

std::uint64_t child(int born) {
  return static_cast<std::uint64_t>(1000 + born);
}
std::uint64_t other_child(int born) {
  return static_cast<std::uint64_t>(5000 + born);
}

// The service with one child more at each look, in this state.
Explanation with_children(const TracedGrowth& growth, char state) {
  const Story story([&](SurveyBuilder& machine, int look) {
    machine.process(812, "service", 1, {"service"});
    machine.thread(SYS_clock_nanosleep);
    for (int born = 0; born <= look; ++born) {
      machine.process(1000 + born, "worker", 812, {"worker"}).state = RunState{state};
      if (state == 'S') machine.thread(SYS_pause);
    }
  });
  const TraceFacts trace = growth.facts();
  return explain_with(story, [&](Facts& facts) { facts.trace = &trace; });
}

TEST(Starters, WhoForksWithoutAWaitIsNamed) {
  TracedGrowth growth;
  growth.made_by({"fork", "start_job"}, Kind::kChild, SYS_clone, child);
  growth.run();
  const Explanation found = with_children(growth, 'Z');
  const Finding* finding = find(found, id::kZombieChildren);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(row(*finding, "started by"), "start_job, by clone");
  EXPECT_EQ(row(*finding, "from there"), "20 started, 0 waited for while traced for 20s");
  EXPECT_EQ(finding->remedy, "start_job must wait for what it starts (waitpid), or ignore SIGCHLD");
  EXPECT_EQ(finding->stack.size(), 2U);
}

TEST(Starters, AnotherSitesChildrenAreNotTheseOnes) {
  TracedGrowth growth;
  growth.made_by({"fork", "start_pool"}, Kind::kChild, SYS_clone, other_child);
  growth.made_by({"fork", "start_job"}, Kind::kChild, SYS_clone, child);
  growth.run();
  const Explanation found = with_children(growth, 'Z');
  const Finding* finding = find(found, id::kZombieChildren);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(row(*finding, "started by"), "start_job, by clone");
}

TEST(Starters, WhoStartsChildrenThatNeverEndIsNamed) {
  TracedGrowth growth;
  growth.made_by({"posix_spawn", "start_job"}, Kind::kChild, SYS_clone, child);
  growth.run();
  const Explanation found = with_children(growth, 'S');
  const Finding* finding = find(found, id::kStuckChildren);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(row(*finding, "started by"), "start_job, by clone");
  EXPECT_EQ(finding->remedy, "start_job should give its children a time limit and end them at it");
  EXPECT_EQ(finding->whose_move, "service(812)");
}

Explanation with_threads(const TracedGrowth& growth) {
  const Story story([](SurveyBuilder& machine, int look) {
    machine.process(812, "service", 1, {"service"}).thread_count = 2U + unsigned(look);
    for (int t = 0; t < 2 + look; ++t) machine.thread(SYS_futex);
  });
  const TraceFacts trace = growth.facts();
  return explain_with(story, [&](Facts& facts) { facts.trace = &trace; });
}

TEST(Starters, WhoStartsThreadsIsNamed) {
  TracedGrowth growth;
  growth.made_by({"pthread_create", "serve"}, Kind::kThread, SYS_clone3, child);
  growth.run();
  const Explanation found = with_threads(growth);
  const Finding* finding = find(found, id::kThreadLeak);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(row(*finding, "started by"), "serve, by clone3");
  EXPECT_NE(finding->remedy.find("serve must bound the threads"), std::string::npos);
  EXPECT_GT(finding->confidence, 0.9);
}

// As of a JVM, whose Java functions are nobody's symbols.
TEST(Starters, WhereOnlyLibrariesAreSeenNobodyIsNamed) {
  TracedGrowth growth;
  growth.made_by({"pthread_create", "JVM_StartThread", ""}, Kind::kThread, SYS_clone3, child);
  growth.run();
  const Explanation found = with_threads(growth);
  const Finding* finding = find(found, id::kThreadLeak);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(row(*finding, "started by"), "");
  EXPECT_NE(row(*finding, "threads").find("service"), std::string::npos);
  EXPECT_NE(finding->remedy.find("service(812) should bound"), std::string::npos);
}

// multiprocessing.Queue: a pipe and a thread that feeds it, until it is closed.
TEST(Starters, ALibrarysThreadsAreToldWithWhatTheyBelongTo) {
  TracedGrowth growth;
  growth.made_by({"pthread_create", "enqueue"}, Kind::kThread, SYS_clone3, child);
  growth.made_by({"pipe2", "enqueue"}, Kind::kPipe, SYS_pipe2, other_child);
  growth.run();
  const Story story([](SurveyBuilder& machine, int look) {
    machine.process(812, "service", 1, {"service"}).thread_count = 2U + unsigned(look);
    for (int t = 0; t < 2 + look; ++t) machine.thread(SYS_futex);
    for (int p = 0; p < 8 + look; ++p) machine.pipe(10 + p, 700U + unsigned(p), O_RDWR);
  });
  const TraceFacts trace = growth.facts();
  Frame feed;
  feed.kind = FrameKind::kPython;
  feed.function = "_feed";
  feed.file = "/usr/lib/python3.11/multiprocessing/queues.py";
  const ThreadStackFacts stack{Pid{812}, {feed}, 8, 8};
  const Explanation found = explain_with(story, [&](Facts& facts) {
    facts.trace = &trace;
    facts.threads = std::span(&stack, 1);
  });
  EXPECT_EQ(find(found, id::kThreadLeak), nullptr);
  const Finding* finding = find(found, id::kDescriptorLeak);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(row(*finding, "with them"), "a thread each, which runs _feed (queues.py)");
  EXPECT_NE(finding->remedy.find("enqueue"), std::string::npos);
}

}  // namespace
}  // namespace plumb::detect
