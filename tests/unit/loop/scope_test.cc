// SPDX-License-Identifier: Apache-2.0
// Scopes: nothing outlives them, cancellation reaches every wait below, exceptions cancel siblings.
#include "plumb/loop/scope.h"

#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

#include "loop_fixture.h"
#include "plumb/loop/event.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;
using ScopeTest = LoopTest;

Task<> sleeper(std::chrono::milliseconds duration, std::vector<int>& codes) {
  const auto slept = co_await sleep(duration);
  codes.push_back(slept ? 0 : slept.error().code);
}

TEST_F(ScopeTest, ItsEndWaitsForItsTasks) {
  std::vector<int> codes;
  loop().run([](std::vector<int>& out) -> Task<> {
    co_await open_scope([&](Scope& scope) -> Task<> {
      for (int i = 1; i <= 5; ++i) scope.start(sleeper(std::chrono::milliseconds(i), out));
      co_return;
    });
    EXPECT_EQ(out.size(), 5U);
  }(codes));
  EXPECT_EQ(codes, std::vector<int>(5, 0));
}

TEST_F(ScopeTest, CancelEndsEveryWaitAtOnce) {
  std::vector<int> codes;
  const auto started = std::chrono::steady_clock::now();
  loop().run([](std::vector<int>& out) -> Task<> {
    co_await open_scope(Ending::kCancel, [&](Scope& scope) -> Task<> {
      for (int i = 0; i < 5; ++i) scope.start(sleeper(1h, out));
      EXPECT_EQ(scope.running(), 5U);
      co_return;
    });
  }(codes));
  EXPECT_EQ(codes, std::vector<int>(5, ECANCELED));
  EXPECT_LT(std::chrono::steady_clock::now() - started, 10s);
}

TEST_F(ScopeTest, ATaskStartedInACancelledScopeRunsAndIsToldAtItsFirstWait) {
  std::vector<int> codes;
  loop().run([](std::vector<int>& out) -> Task<> {
    co_await open_scope([&](Scope& scope) -> Task<> {
      scope.cancel();
      scope.start(sleeper(1h, out));
      co_return;
    });
  }(codes));
  EXPECT_EQ(codes, std::vector<int>{ECANCELED});
}

Task<> nest(int depth, std::vector<int>& codes) {
  co_await open_scope([&](Scope& scope) -> Task<> {
    scope.start(sleeper(1h, codes));
    if (depth > 0) scope.start(nest(depth - 1, codes));
    co_return;
  });
}

TEST_F(ScopeTest, CancellationReachesTheTasksOfInnerScopes) {
  std::vector<int> codes;
  loop().run([](std::vector<int>& out) -> Task<> {
    co_await open_scope([&](Scope& scope) -> Task<> {
      scope.start(nest(20, out));
      EXPECT_TRUE(co_await sleep(1ms));
      scope.cancel();
    });
  }(codes));
  EXPECT_EQ(codes, std::vector<int>(21, ECANCELED));
}

TEST_F(ScopeTest, ADeadlineThatPassesWhileJoiningCancelsTheTasks) {
  std::vector<int> codes;
  loop().run([](std::vector<int>& out) -> Task<> {
    const auto bound = co_await deadline(2ms);
    co_await open_scope([&](Scope& scope) -> Task<> {
      scope.start(sleeper(1h, out));
      co_return;
    });
    EXPECT_TRUE(bound.expired());
  }(codes));
  EXPECT_EQ(codes, std::vector<int>{ETIMEDOUT});
}

TEST_F(ScopeTest, AnExceptionCancelsTheSiblingsAndLeavesTheScope) {
  std::vector<int> codes;
  const auto main = [](std::vector<int>& out) -> Task<> {
    co_await open_scope([&](Scope& scope) -> Task<> {
      scope.start(sleeper(1h, out));
      scope.start([]() -> Task<> {
        EXPECT_TRUE(co_await sleep(1ms));
        throw std::runtime_error("one of them");
      }());
      co_return;
    });
  };
  EXPECT_THROW(loop().run(main(codes)), std::runtime_error);
  EXPECT_EQ(codes, std::vector<int>{ECANCELED});
}

TEST_F(ScopeTest, AnExceptionOfTheBodyWaitsForTheTasks) {
  std::vector<int> codes;
  const auto main = [](std::vector<int>& out) -> Task<> {
    co_await open_scope([&](Scope& scope) -> Task<> {
      scope.start(sleeper(1h, out));
      throw std::runtime_error("the body");
      co_return;
    });
  };
  EXPECT_THROW(loop().run(main(codes)), std::runtime_error);
  EXPECT_EQ(codes.size(), 1U);
}

TEST_F(ScopeTest, GivesWhatTheBodyGave) {
  EXPECT_EQ(loop().run([]() -> Task<int> {
    co_return co_await open_scope([](Scope&) -> Task<int> { co_return 42; });
  }()),
            42);
}

TEST_F(ScopeTest, StopCancelsTheMainTask) {
  std::vector<int> codes;
  loop().stop();
  loop().run(sleeper(1h, codes));
  EXPECT_EQ(codes, std::vector<int>{ECANCELED});
}

TEST_F(ScopeTest, ParametersOfAnEndedTaskAreGoneBeforeTheNextWaitFires) {
  auto token = std::make_shared<int>(1);
  loop().run([](std::shared_ptr<int>& shared) -> Task<> {
    co_await open_scope([&](Scope& scope) -> Task<> {
      scope.start([](std::shared_ptr<int>) -> Task<> { co_return; }(shared));
      EXPECT_TRUE(co_await yield());
      EXPECT_EQ(shared.use_count(), 1);
      EXPECT_EQ(scope.running(), 0U);
    });
  }(token));
}

// Built with the address sanitizer, this is what shows a closure that died with the body.
TEST_F(ScopeTest, ALambdaThatIsStartedKeepsWhatItCaptured) {
  const auto kept = std::make_shared<int>(7);
  int seen = 0;
  loop().run(open_scope([&](Scope& scope) -> Task<> {
    scope.start([&seen, kept]() -> Task<> {
      EXPECT_TRUE(co_await sleep(1ms));
      seen += *kept;
    });
    const auto add = [&seen](const std::unique_ptr<int>& own, int times) -> Task<> {
      EXPECT_TRUE(co_await sleep(1ms));
      seen += *own * times;
    };
    scope.start(std::bind_front(add, std::make_unique<int>(5), 2));
    EXPECT_EQ(kept.use_count(), 2);
    co_return;
  }));
  EXPECT_EQ(seen, 17);
  EXPECT_EQ(kept.use_count(), 1);
}

TEST_F(ScopeTest, AnEventWakesItsWaitersAndIsNotLostBefore) {
  loop().run([](Loop& on) -> Task<> {
    Event event;
    int woken = 0;
    co_await open_scope([&](Scope& scope) -> Task<> {
      for (int i = 0; i < 3; ++i) {
        scope.start([](Event& waited, int& count) -> Task<> {
          EXPECT_TRUE(co_await waited.wait());
          ++count;
        }(event, woken));
      }
      EXPECT_TRUE(event.wake_one(on));
      EXPECT_TRUE(co_await yield());
      EXPECT_EQ(woken, 1);
      event.set(on);
    });
    EXPECT_EQ(woken, 3);
    EXPECT_TRUE(co_await event.wait());
  }(loop()));
}

}  // namespace
}  // namespace plumb::runtime
