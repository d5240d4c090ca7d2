// SPDX-License-Identifier: Apache-2.0
// The wheel against a sorted list: every timer fires in its tick, in order, once or never.
#include "plumb/loop/timer_wheel.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <vector>

namespace plumb::runtime {
namespace {

struct Probe : WheelTimer {
  Probe(TimerWheel& on, std::vector<Tick>& log) : wheel(on), fired(log) {}
  void expire() noexcept override { fired.push_back(wheel.now()); }
  TimerWheel& wheel;
  std::vector<Tick>& fired;
};

TEST(TimerWheel, FiresInItsTickAtEveryDistance) {
  for (const Tick start : {Tick{0}, Tick{1}, Tick{63}, Tick{4095}, Tick{1234567}}) {
    for (unsigned bit = 0; bit < 40; ++bit) {
      for (const Tick delta : {(Tick{1} << bit) - 1, Tick{1} << bit, (Tick{1} << bit) + 1}) {
        TimerWheel wheel(start);
        std::vector<Tick> fired;
        Probe probe(wheel, fired);
        const Tick due = start + delta;
        wheel.arm(probe, due);
        while (wheel.armed() != 0) {
          const auto next = wheel.next();
          ASSERT_TRUE(next);
          ASSERT_LE(*next, std::max(due, start + 1));
          wheel.advance(*next);
        }
        ASSERT_EQ(fired, std::vector<Tick>{std::max(due, start + 1)}) << start << "+" << delta;
      }
    }
  }
}

TEST(TimerWheel, AgreesWithASortedListUnderRandomUse) {
  std::mt19937_64 random(20261122);
  TimerWheel wheel(7);
  std::vector<Tick> fired;
  std::vector<std::unique_ptr<Probe>> timers;
  for (int i = 0; i < 300; ++i) timers.push_back(std::make_unique<Probe>(wheel, fired));
  std::map<Probe*, Tick> expected;
  for (int step = 0; step < 20000; ++step) {
    Probe& timer = *timers[random() % timers.size()];
    switch (random() % 4) {
      case 0:
        wheel.cancel(timer);
        expected.erase(&timer);
        break;
      case 1: {
        const Tick now = wheel.now() + random() % (Tick{1} << random() % 14);
        std::vector<Tick> due;
        std::erase_if(expected, [&](const auto& entry) {
          if (entry.second > now) return false;
          due.push_back(entry.second);
          return true;
        });
        std::sort(due.begin(), due.end());
        fired.clear();
        wheel.advance(now);
        ASSERT_EQ(fired, due);
        ASSERT_EQ(wheel.now(), now);
        break;
      }
      default: {
        const Tick due = wheel.now() + 1 + random() % (Tick{1} << random() % 22);
        wheel.arm(timer, due);
        expected[&timer] = due;
      }
    }
    ASSERT_EQ(wheel.armed(), expected.size());
  }
}

TEST(TimerWheel, ATimerMayArmItselfAndCancelItsNeighbourWhileFiring) {
  struct Chain : WheelTimer {
    void expire() noexcept override {
      if (++count < 5) wheel->arm(*this, wheel->now());  // "now" has passed: the next tick
      if (neighbour != nullptr) wheel->cancel(*neighbour);
    }
    TimerWheel* wheel = nullptr;
    WheelTimer* neighbour = nullptr;
    int count = 0;
  };
  TimerWheel wheel(0);
  Chain chain;
  Chain neighbour;
  chain.wheel = neighbour.wheel = &wheel;
  chain.neighbour = &neighbour;
  wheel.arm(chain, 10);
  wheel.arm(neighbour, 10);
  wheel.advance(100);
  EXPECT_EQ(chain.count, 5);
  EXPECT_EQ(neighbour.count, 0);
  EXPECT_EQ(wheel.armed(), 0U);
}

TEST(TimerWheel, HoldsAMillionAndForgetsThemWithTheirOwners) {
  TimerWheel wheel(0);
  std::vector<Tick> fired;
  {
    std::vector<std::unique_ptr<Probe>> timers;
    for (Tick i = 0; i < 1'000'000; ++i) {
      timers.push_back(std::make_unique<Probe>(wheel, fired));
      wheel.arm(*timers.back(), 1 + i % 100'000);
    }
    wheel.advance(50'000);
    EXPECT_EQ(fired.size(), 500'000U);
    EXPECT_TRUE(std::is_sorted(fired.begin(), fired.end()));
  }
  EXPECT_EQ(wheel.armed(), 0U);
  EXPECT_EQ(wheel.next(), std::nullopt);
}

}  // namespace
}  // namespace plumb::runtime
