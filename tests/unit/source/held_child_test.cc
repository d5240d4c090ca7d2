// SPDX-License-Identifier: Apache-2.0
// A held child runs at a word, tells why it could not, and does not outlive one who never says it.
#include "detect/source/held_child.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

namespace plumb::detect {
namespace {

int status_of(Pid pid) {
  int status = 0;
  EXPECT_EQ(::waitpid(number(pid), &status, 0), number(pid));
  return status;
}

Result<HeldChild> hold(const std::string& program) {
  return HeldChild::start(program, [&] { ::execl(program.c_str(), program.c_str(), nullptr); });
}

TEST(HeldChildTest, RunsAtAWord) {
  auto child = hold("/bin/true");
  ASSERT_TRUE(child);
  EXPECT_EQ(::waitpid(number(child->pid()), nullptr, WNOHANG), 0);
  ASSERT_TRUE(child->go());
  const int status = status_of(child->pid());
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(HeldChildTest, TellsWhyItCouldNot) {
  auto child = hold("/nowhere/at/all");
  ASSERT_TRUE(child);
  const auto runs = child->go();
  ASSERT_FALSE(runs);
  EXPECT_EQ(runs.error().code, ENOENT);
  EXPECT_NE(runs.error().message().find("/nowhere/at/all"), std::string::npos);
  EXPECT_EQ(WEXITSTATUS(status_of(child->pid())), 127);
}

TEST(HeldChildTest, EndsWithTheOneWhoNeverSaidIt) {
  auto child = std::optional(hold("/bin/true"));
  ASSERT_TRUE(*child);
  const Pid pid = (*child)->pid();
  child.reset();
  EXPECT_EQ(WEXITSTATUS(status_of(pid)), 127);
}

TEST(HeldChildTest, IsEndedByASignalThatCameWhileItWasHeldAlsoWhenItIsTraced) {
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ASSERT_EQ(::sigprocmask(SIG_BLOCK, &blocked, &before), 0);
  auto child = hold("/bin/true");
  ASSERT_EQ(::sigprocmask(SIG_SETMASK, &before, nullptr), 0);
  ASSERT_TRUE(child);
  const pid_t pid = number(child->pid());
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, pid, nullptr, PTRACE_O_TRACEEXIT), 0);
  ASSERT_EQ(::kill(pid, SIGTERM), 0);
  ASSERT_TRUE(child->go());
  const int stop = status_of(child->pid());
  ASSERT_TRUE(WIFSTOPPED(stop));
  EXPECT_EQ(stop >> 8, SIGTRAP | PTRACE_EVENT_EXIT << 8);
  ASSERT_EQ(::ptrace(PTRACE_CONT, pid, nullptr, nullptr), 0);
  const int status = status_of(child->pid());
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

}  // namespace
}  // namespace plumb::detect
