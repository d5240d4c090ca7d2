// SPDX-License-Identifier: Apache-2.0
// Looking into processes.
#include "app/cli/inner_looks.h"

#include <algorithm>
#include <string>

#include "app/cli/thread_stacks.h"
#include "detect/symbol/goroutine_reader.h"
#include "plumb/base/text.h"

namespace plumb::app {
namespace {

using namespace detect;
using namespace std::chrono_literals;

constexpr std::size_t kMostGo = 4;    // a probe costs 2 us a request
constexpr std::size_t kMostMaps = 4;  // 65,530 lines take 60 ms
constexpr std::size_t kMoreThreads = 4;
constexpr std::size_t kMapsBytes = 16 << 20;
constexpr auto kForgotten = 3s;  // a body that is open for longer
constexpr std::chrono::nanoseconds kPause = 1s;
constexpr int kShare = 20;

MappingCounts maps_of(Pid process) {
  const auto text = read_file("/proc/" + std::to_string(number(process)) + "/maps", kMapsBytes);
  return text ? count_mappings(*text) : MappingCounts{};
}

}  // namespace

void InnerLooks::follow(Pid process) {
  if (maps_.size() < kMostMaps) {
    if (auto counts = maps_of(process); !counts.empty()) maps_[process].first = std::move(counts);
  }
  if (threads_.size() < kMostMaps) threads_[process] = count_threads(process);
  if (goroutines_.size() >= kMostGo) return;
  auto program = GoProgram::open(process);
  if (!program) return;
  if (auto watch = GoHttpWatch::open(*program)) requests_.emplace(process, *std::move(watch));
  count(goroutines_.emplace(process, Goroutines{*std::move(program), {}, {}}).first->second);
}

void InnerLooks::count(Goroutines& goroutines) {
  const BootTime began = BootClock::now();
  if (auto snapshot = read_goroutines(goroutines.program->runtime())) {
    goroutines.series.add(began, *std::move(snapshot));
  }
  const BootTime done = BootClock::now();
  goroutines.due = done + std::max<std::chrono::nanoseconds>(kPause, kShare * (done - began));
}

void InnerLooks::look() {
  for (auto& [process, goroutines] : goroutines_) {
    if (BootClock::now() >= goroutines.due) count(goroutines);
  }
}

void InnerLooks::read_maps() {
  for (auto& [process, maps] : maps_) {
    if (auto counts = maps_of(process); !counts.empty()) maps.now = std::move(counts);
  }
}

void InnerLooks::finish() {
  look();
  read_maps();
  for (const auto& [process, watch] : requests_) {
    auto held = watch->read(kForgotten);
    if (held) held_.emplace_back(process, *std::move(held));
  }
  for (const auto& [process, first] : threads_) {
    if (count_threads(process) < first + kMoreThreads) continue;
    if (auto stack = usual_stack_of_newest(process)) thread_stacks_.push_back(*std::move(stack));
  }
}

void InnerLooks::add_to(Facts& facts) {
  go_http_.clear();
  for (const auto& [process, held] : held_) {
    go_http_.push_back({process, held.leaks, held.snapshot.stacks});
  }
  goroutine_facts_.clear();
  for (const auto& [process, goroutines] : goroutines_) {
    goroutine_facts_.push_back({process, goroutines.series});
  }
  mappings_.clear();
  for (const auto& [process, maps] : maps_) {
    mappings_.push_back(growth_between(process, maps.first, maps.now));
  }
  facts.go_http = go_http_;
  facts.goroutines = goroutine_facts_;
  facts.mappings = mappings_;
  facts.threads = thread_stacks_;
}

}  // namespace plumb::app
