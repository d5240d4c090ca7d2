// SPDX-License-Identifier: Apache-2.0
// Descriptors: readiness, ends seen and unseen, cancellation, number reuse, the budget.
#include "plumb/loop/descriptor.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "loop_fixture.h"
#include "plumb/loop/signals.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;
using DescriptorTest = LoopTest;

std::pair<UniqueFd, UniqueFd> pair() {
  auto made = UniqueFd::socket_pair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK);
  EXPECT_TRUE(made);
  return *std::move(made);
}

TEST_F(DescriptorTest, WaitsUntilReadable) {
  auto [ours, theirs] = pair();
  loop().run([](Loop& on, UniqueFd fd, UniqueFd& peer) -> Task<> {
    Descriptor descriptor(on, DescriptorKind::kUnix);
    EXPECT_TRUE(descriptor.attach(std::move(fd)));
    EXPECT_EQ(on.count(DescriptorKind::kUnix), 1U);
    co_await open_scope([&](Scope& scope) -> Task<> {
      scope.start([](UniqueFd& end) -> Task<> {
        EXPECT_TRUE(co_await sleep(1ms));
        EXPECT_EQ(::write(end.get(), "x", 1), 1);
      }(peer));
      EXPECT_FALSE(descriptor.ready(Direction::kRead));
      EXPECT_TRUE(co_await descriptor.readable());
    });
    EXPECT_TRUE(descriptor.ready(Direction::kRead));
  }(loop(), std::move(ours), theirs));
}

TEST_F(DescriptorTest, TheEndStaysReadableAfterAShortRead) {
  auto [ours, theirs] = pair();
  EXPECT_EQ(::write(theirs.get(), "x", 1), 1);
  theirs.reset();
  loop().run([](Loop& on, UniqueFd fd) -> Task<> {
    Descriptor descriptor(on, DescriptorKind::kUnix);
    EXPECT_TRUE(descriptor.attach(std::move(fd)));
    EXPECT_TRUE(co_await descriptor.readable());
    char bytes[8];
    EXPECT_EQ(::read(descriptor.borrow(), bytes, sizeof bytes), 1);
    descriptor.drained();
    EXPECT_TRUE(co_await within(1s, [](Descriptor& d) -> Task<Result<void>> {
      co_return co_await d.readable();
    }(descriptor)));
    EXPECT_EQ(::read(descriptor.borrow(), bytes, sizeof bytes), 0);
  }(loop(), std::move(ours)));
}

TEST_F(DescriptorTest, DeadlineAndCloseEndTheWait) {
  auto [ours, theirs] = pair();
  loop().run([](Loop& on, UniqueFd fd) -> Task<> {
    Descriptor descriptor(on, DescriptorKind::kUnix);
    EXPECT_TRUE(descriptor.attach(std::move(fd)));
    {
      const auto bound = co_await deadline(1ms);
      const auto waited = co_await descriptor.readable();
      EXPECT_EQ(waited.error().code, ETIMEDOUT);
    }
    co_await open_scope([&](Scope& scope) -> Task<> {
      scope.start([](Descriptor& d) -> Task<> {
        EXPECT_TRUE(co_await yield());
        d.close(ECONNABORTED);
      }(descriptor));
      const auto waited = co_await descriptor.readable();
      EXPECT_EQ(waited.error().code, ECONNABORTED);
    });
    const auto closed = co_await descriptor.readable();
    EXPECT_EQ(closed.error().code, EBADF);
  }(loop(), std::move(ours)));
}

// Both ends become readable in one batch of events; whoever is resumed first destroys the other.
TEST_F(DescriptorTest, OneMayDestroyAnotherOfTheSameBatch) {
  auto [a, b] = pair();
  loop().run([](Loop& on, UniqueFd first, UniqueFd second) -> Task<> {
    auto one = std::make_unique<Descriptor>(on, DescriptorKind::kUnix);
    auto two = std::make_unique<Descriptor>(on, DescriptorKind::kUnix);
    EXPECT_TRUE(one->attach(std::move(first)));
    EXPECT_TRUE(two->attach(std::move(second)));
    EXPECT_EQ(::write(one->borrow(), "x", 1), 1);
    EXPECT_EQ(::write(two->borrow(), "x", 1), 1);
    int failed = 0;
    co_await open_scope([&](Scope& scope) -> Task<> {
      const auto wait = [](std::unique_ptr<Descriptor>& own, std::unique_ptr<Descriptor>& other,
                           int& failures) -> Task<> {
        if (auto waited = co_await own->readable(); !waited) ++failures;
        if (other) other->close();
      };
      scope.start(wait(one, two, failed));
      scope.start(wait(two, one, failed));
      co_return;
    });
    EXPECT_FALSE(one->open() && two->open());
  }(loop(), std::move(a), std::move(b)));
}

TEST_F(DescriptorTest, AnEventOfAForkedCopyDoesNotReachTheNextOwnerOfTheNumber) {
  auto [ours, theirs] = pair();
  const int number = ours.get();
  Descriptor first(loop(), DescriptorKind::kUnix);
  ASSERT_TRUE(first.attach(std::move(ours)));
  UniqueFd copy(::fcntl(number, F_DUPFD_CLOEXEC, 100));  // as a child between fork and exec has
  first.close();
  auto [next, peer] = pair();
  ASSERT_EQ(next.get(), number);
  Descriptor second(loop(), DescriptorKind::kUnix);
  ASSERT_TRUE(second.attach(std::move(next)));
  loop().poll();
  second.blocked(Direction::kRead);
  ASSERT_EQ(::write(theirs.get(), "x", 1), 1);
  loop().poll();
  EXPECT_FALSE(second.ready(Direction::kRead));
  second.close();
}

TEST_F(DescriptorTest, ALevelTriggeredOneIsReportedOnlyWhileSomebodyWaits) {
  auto [ours, theirs] = pair();
  loop().run([](Loop& on, UniqueFd fd, UniqueFd& peer) -> Task<> {
    Descriptor descriptor(on, DescriptorKind::kListener);
    EXPECT_TRUE(descriptor.attach(std::move(fd), Trigger::kLevel));
    EXPECT_EQ(::write(peer.get(), "x", 1), 1);
    EXPECT_TRUE(co_await sleep(2ms));
    EXPECT_EQ(on.counters().events, 0U);
    for (int i = 0; i < 3; ++i) {
      descriptor.blocked(Direction::kRead);
      EXPECT_TRUE(co_await descriptor.readable());
    }
    EXPECT_TRUE(co_await sleep(3ms));
    EXPECT_LE(on.counters().events, 5U);
  }(loop(), std::move(ours), theirs));
}

TEST_F(DescriptorTest, TheBudgetCountsWhatTheLoopOwnsAndWhatOthersHold) {
  DescriptorBudget& budget = loop().budget();
  budget.sample();
  const auto owned = budget.owned();
  const auto foreign = budget.foreign();
  auto [ours, theirs] = pair();
  budget.sample();
  EXPECT_EQ(budget.foreign(), foreign + 2);
  Descriptor descriptor(loop(), DescriptorKind::kUnix);
  ASSERT_TRUE(descriptor.attach(std::move(ours)));
  EXPECT_EQ(budget.owned(), owned + 1);
  budget.sample();
  EXPECT_EQ(budget.foreign(), foreign + 1);
  int told = 0;
  budget.set_on_release([&] { ++told; });
  budget.watch();
  descriptor.close();
  EXPECT_EQ(told, 1);
  EXPECT_EQ(budget.owned(), owned);
  budget.set_on_release(nullptr);
}

TEST_F(DescriptorTest, DetachGivesTheOpenDescriptorAway) {
  auto [ours, theirs] = pair();
  Descriptor descriptor(loop(), DescriptorKind::kUnix);
  ASSERT_TRUE(descriptor.attach(std::move(ours)));
  UniqueFd back = descriptor.detach();
  EXPECT_TRUE(back);
  EXPECT_FALSE(descriptor.open());
  EXPECT_EQ(loop().census().descriptors, 0U);
}

TEST_F(DescriptorTest, SignalsComeAsValues) {
  sigset_t before;
  sigset_t after;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  loop().run([](Loop& on) -> Task<> {
    auto signals = Signals::block(on, {SIGUSR1, SIGUSR2});
    EXPECT_TRUE(signals);
    ::raise(SIGUSR2);
    const auto first = co_await (*signals)->next();
    EXPECT_TRUE(first && *first == SIGUSR2);
    const auto bound = co_await deadline(1ms);
    const auto none = co_await (*signals)->next();
    EXPECT_EQ(none.error().code, ETIMEDOUT);
  }(loop()));
  ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
  EXPECT_EQ(sigismember(&before, SIGUSR1), sigismember(&after, SIGUSR1));
}

TEST_F(DescriptorTest, OtherThreadsPostInOrderAndLearnOfTheLoopsEnd) {
  std::vector<int> order;
  std::thread other([poster = loop().poster(), &order, this] {
    for (int i = 0; i < 1000; ++i) {
      EXPECT_TRUE(poster.post([&order, i] { order.push_back(i); }));
    }
    EXPECT_TRUE(poster.post([this] { loop().stop(); }));
  });
  loop().run();
  other.join();
  EXPECT_EQ(order.size(), 1000U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));

  auto second = Loop::create();
  ASSERT_TRUE(second);
  const Poster poster = (*second)->poster();
  auto token = std::make_shared<int>(0);
  EXPECT_TRUE(poster.post([token] {}));
  *second = nullptr;
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_FALSE(poster.post([token] {}));
  EXPECT_EQ(token.use_count(), 1);
}

}  // namespace
}  // namespace plumb::runtime
