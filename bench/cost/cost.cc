// SPDX-License-Identifier: Apache-2.0
// What holdings, timers and metrics cost when nobody looks. Each figure is for one acquire and its
// release, or for one call.
#include <benchmark/benchmark.h>

#include <chrono>
#include <memory>
#include <random>
#include <vector>

#include "plumb/base/holding.h"
#include "plumb/loop/loop.h"
#include "plumb/meter/registry.h"

namespace {

using namespace plumb::runtime;
using namespace std::chrono_literals;

// As a loop does it: the shelf's owner keeps the time.
void holding(benchmark::State& state) {
  plumb::Holdings shelf("bench");
  shelf.keep_time(plumb::Holding::Clock::now());
  plumb::Holding held("door");
  for (auto _ : state) {
    held.acquire(shelf, 1);
    benchmark::ClobberMemory();
    held.release();
  }
}
BENCHMARK(holding);

struct Probe : WheelTimer {
  void expire() noexcept override { ++fired; }
  int fired = 0;
};

// The common life of a deadline: armed, cancelled; among a million others, at random times up to
// two minutes.
void timer_among(benchmark::State& state) {
  plumb::Holdings shelf("bench");
  shelf.keep_time(plumb::Holding::Clock::now());
  TimerWheel wheel(0, state.range(1) != 0 ? &shelf : nullptr);
  std::mt19937 random(1);
  std::vector<Probe> others(static_cast<std::size_t>(state.range(0)));
  for (auto& other : others) wheel.arm(other, 1 + random() % 120'000);
  std::vector<Tick> due(1024);
  for (auto& tick : due) tick = 1 + random() % 120'000;
  Probe timer;
  std::size_t i = 0;
  for (auto _ : state) {
    wheel.arm(timer, due[++i % due.size()]);
    benchmark::ClobberMemory();
    wheel.cancel(timer);
  }
}
BENCHMARK(timer_among)->Name("timer")->Args({0, 0})->Args({1'000'000, 0})->Args({1'000'000, 1});

// A guard in a task: reads the clock, arms, cancels.
void deadline_guard(benchmark::State& state) {
  auto loop = Loop::create();
  if (!loop) return state.SkipWithError("no loop");
  (*loop)->run([](benchmark::State& counted) -> Task<> {
    for (auto _ : counted) {
      const auto bound = co_await deadline(30s);
      benchmark::ClobberMemory();
    }
  }(state));
}
BENCHMARK(deadline_guard);

// A million armed and let expire, by the timer.
void expiry_of_a_million(benchmark::State& state) {
  constexpr std::size_t kCount = 1'000'000;
  std::vector<Probe> timers(kCount);
  std::mt19937 random(1);
  for (auto _ : state) {
    TimerWheel wheel(0);
    for (auto& timer : timers) wheel.arm(timer, 1 + random() % 120'000);
    wheel.advance(120'000);
    if (wheel.armed() != 0) state.SkipWithError("some are left");
  }
  // Seconds an iteration, times 1e9 nanoseconds, divided by the count.
  state.counters["ns_each"] = benchmark::Counter(
      kCount / 1e9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(expiry_of_a_million)->Unit(benchmark::kMillisecond);

void counter_add(benchmark::State& state) {
  Registry registry;
  auto counter = registry.counter("hits_total", "");
  for (auto _ : state) counter.add();
}
BENCHMARK(counter_add);

void gauge_set(benchmark::State& state) {
  Registry registry;
  auto gauge = registry.gauge("open", "");
  for (auto _ : state) gauge.set(1);
}
BENCHMARK(gauge_set);

void histogram_observe(benchmark::State& state) {
  Registry registry;
  auto histogram = registry.histogram("wait_seconds", "", duration_buckets());
  double value = 0.0001;
  for (auto _ : state) {
    histogram.observe(value);
    value = value > 5 ? 0.0001 : value * 1.5;
  }
}
BENCHMARK(histogram_observe);

}  // namespace

BENCHMARK_MAIN();
