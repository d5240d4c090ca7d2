// SPDX-License-Identifier: Apache-2.0
// Tasks: lazy start, values, exceptions, and stacks that do not grow.
#include "plumb/loop/task.h"

#include <stdexcept>

#include "loop_fixture.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;
using TaskTest = LoopTest;

Task<int> twice(int n) {
  co_return 2 * n;
}

Task<int> sum_of_many(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await twice(1);
  co_return sum;
}

TEST_F(TaskTest, GivesItsValueThroughAChain) {
  EXPECT_EQ(loop().run(sum_of_many(3)), 6);
}

TEST_F(TaskTest, AMillionAwaitsThatNeverWaitUseNoStack) {
  EXPECT_EQ(loop().run(sum_of_many(1'000'000)), 2'000'000);
}

Task<int> deep(int depth) {
  if (depth == 0) {
    EXPECT_TRUE(co_await sleep(1ms));
    co_return 0;
  }
  co_return 1 + co_await deep(depth - 1);
}

TEST_F(TaskTest, ResumesADeepChain) {
  EXPECT_EQ(loop().run(deep(1000)), 1000);
}

TEST_F(TaskTest, ThatIsNeverAwaitedNeverRuns) {
  bool ran = false;
  {
    auto task = [](bool& flag) -> Task<> {
      flag = true;
      co_return;
    }(ran);
  }
  EXPECT_FALSE(ran);
}

Task<> thrower() {
  EXPECT_TRUE(co_await sleep(1ms));
  throw std::runtime_error("as expected");
}

TEST_F(TaskTest, AnExceptionTravelsToTheAwaitingTaskAndOutOfRun) {
  EXPECT_THROW(loop().run(thrower()), std::runtime_error);
  const auto catcher = []() -> Task<bool> {
    try {
      co_await thrower();
    } catch (const std::runtime_error&) {
      co_return true;
    }
    co_return false;
  };
  EXPECT_TRUE(loop().run(catcher()));
}

TEST_F(TaskTest, ManyYieldingTasksShareTheLoop) {
  int turns = 0;
  loop().run([](int& count) -> Task<> {
    co_await open_scope([&](Scope& scope) -> Task<> {
      const auto worker = [](int& shared) -> Task<> {
        for (int i = 0; i < 100; ++i) {
          EXPECT_TRUE(co_await yield());
          ++shared;
        }
      };
      for (int i = 0; i < 100; ++i) scope.start(worker(count));
      co_return;
    });
  }(turns));
  EXPECT_EQ(turns, 10'000);
}

}  // namespace
}  // namespace plumb::runtime
