// SPDX-License-Identifier: Apache-2.0
// Sleeps, deadlines, shields and plain timers.
#include "plumb/loop/timer.h"

#include "loop_fixture.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using TimerTest = LoopTest;

TEST_F(TimerTest, SleepIsNeverShort) {
  loop().run([]() -> Task<> {
    for (const auto duration : {0ns, 1ns, 999us + 0ns, 1ms + 0ns, 3500us + 0ns}) {
      const auto before = Clock::now();
      EXPECT_TRUE(co_await sleep(duration));
      EXPECT_GE(Clock::now() - before, duration);
    }
  }());
}

TEST_F(TimerTest, ADeadlineEndsTheWaitAndTheLaterOnesUntilItsGuardDies) {
  loop().run([]() -> Task<> {
    {
      const auto bound = co_await deadline(2ms);
      const auto first = co_await sleep(1h);
      EXPECT_EQ(first.error().code, ETIMEDOUT);
      const auto second = co_await sleep(1h);
      EXPECT_EQ(second.error().code, ETIMEDOUT);
    }
    EXPECT_TRUE(co_await sleep(1ms));
  }());
}

TEST_F(TimerTest, TheShorterOfNestedDeadlinesWins) {
  loop().run([]() -> Task<> {
    const auto outer = co_await deadline(300ms);  // far beyond what a busy machine adds
    {
      const auto inner = co_await deadline(1ms);
      EXPECT_FALSE(co_await sleep(1h));
      EXPECT_TRUE(inner.expired());
      EXPECT_FALSE(outer.expired());
    }
    EXPECT_FALSE(co_await sleep(1h));
    EXPECT_TRUE(outer.expired());
  }());
}

TEST_F(TimerTest, AnExtendedDeadlineStartsAnew) {
  loop().run([]() -> Task<> {
    auto bound = co_await deadline(1ms);
    EXPECT_FALSE(co_await sleep(1h));
    bound.extend(1h);
    EXPECT_TRUE(co_await sleep(1ms));
  }());
}

TEST_F(TimerTest, WithinBoundsATask) {
  const auto slow = []() -> Task<Result<void>> { co_return co_await sleep(1h); };
  const auto result = loop().run(within(1ms, slow()));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ETIMEDOUT);
}

TEST_F(TimerTest, AShieldKeepsACancellationOffAndHasItsOwnLimit) {
  loop().run([]() -> Task<> {
    co_await open_scope([](Scope& scope) -> Task<> {
      scope.start([]() -> Task<> {
        {
          const auto guarded = co_await shield(20ms);
          EXPECT_TRUE(co_await sleep(3ms));
          const auto over = co_await sleep(1h);
          EXPECT_EQ(over.error().code, ETIMEDOUT);
        }
        const auto after = co_await sleep(1h);
        EXPECT_EQ(after.error().code, ECANCELED);
      }());
      EXPECT_TRUE(co_await sleep(1ms));
      scope.cancel();
    });
  }());
}

TEST_F(TimerTest, AnOuterDeadlineIsHeldBackByAShield) {
  loop().run([]() -> Task<> {
    const auto bound = co_await deadline(1ms);
    {
      const auto guarded = co_await shield(1h);
      EXPECT_TRUE(co_await sleep(4ms));
      EXPECT_TRUE(bound.expired());
    }
    EXPECT_FALSE(co_await sleep(1h));
  }());
}

TEST_F(TimerTest, ACallbackTimerFiresOnceUnlessArmedAgain) {
  int fired = 0;
  Timer* self = nullptr;
  Timer timer(loop(), [&] {
    if (++fired < 3) {
      self->arm(1ms);
    } else {
      loop().stop();
    }
  });
  self = &timer;
  timer.arm(1ms);
  loop().run();
  EXPECT_EQ(fired, 3);
  EXPECT_FALSE(timer.armed());
}

TEST_F(TimerTest, ACancelledTimerDoesNotFire) {
  Timer timer(loop(), [] { FAIL(); });
  timer.arm(1ms);
  EXPECT_EQ(loop().census().timers, 1U);
  timer.cancel();
  EXPECT_EQ(loop().census().timers, 0U);
  loop().run([]() -> Task<> { EXPECT_TRUE(co_await sleep(3ms)); }());
}

}  // namespace
}  // namespace plumb::runtime
