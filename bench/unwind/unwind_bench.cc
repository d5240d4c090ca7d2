// SPDX-License-Identifier: Apache-2.0
// The cost of unwinding one copied stack: plumb's unwinder against libdwfl, warm, on the same
// snapshot of a C program built at -O2 without frame pointers; and of naming its frames.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <optional>

#include "detect/symbol/symbolizer.h"
#include "detect/symbol/unwinder.h"
#include "e2e/symbol/dwfl_oracle.h"
#include "e2e/symbol/traced_process.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kStackBytes = 16384;
constexpr std::size_t kFrames = 20;

// A stopped program, and its stack when that was kFrames deep or a little more.
class Scene {
 public:
  Scene() : traced({SPECIMEN_C}), oracle(traced.process()) {
    for (;;) {
      const auto thread = traced.next_call();
      if (!thread) std::abort();
      snapshot = traced.snapshot(*thread, kStackBytes);
      auto opened = ProcessView::open(traced.process(), access, cache);
      if (!opened) std::abort();
      view.emplace(*std::move(opened));
      frames = Unwinder().unwind(*view, snapshot.registers, snapshot.stack).frames.size();
      if (frames >= kFrames) break;
    }
    oracle.report();
  }

  TracedProcess traced;
  DwflOracle oracle;
  ProcAccess access;
  ModuleCache cache;
  std::optional<ProcessView> view;
  Snapshot snapshot;
  std::size_t frames = 0;
};

void set_frames(benchmark::State& state, std::size_t frames) {
  state.counters["frames"] = static_cast<double>(frames);
}

void plumb_unwind(benchmark::State& state) {
  Scene scene;
  for (auto _ : state) {
    auto unwound = Unwinder().unwind(*scene.view, scene.snapshot.registers, scene.snapshot.stack);
    benchmark::DoNotOptimize(unwound);
  }
  set_frames(state, scene.frames);
}
BENCHMARK(plumb_unwind)->Unit(benchmark::kMicrosecond);

void libdwfl_unwind(benchmark::State& state) {
  Scene scene;
  std::size_t frames = 0;
  for (auto _ : state) {
    auto answer = scene.oracle.unwind(scene.snapshot);
    frames = answer.frames.size();
    benchmark::DoNotOptimize(answer);
  }
  if (frames != scene.frames) state.SkipWithError("the two disagree");
  set_frames(state, frames);
}
BENCHMARK(libdwfl_unwind)->Unit(benchmark::kMicrosecond);

void plumb_names(benchmark::State& state) {
  Scene scene;
  Symbolizer symbolizer;
  const auto unwound =
      Unwinder().unwind(*scene.view, scene.snapshot.registers, scene.snapshot.stack);
  for (auto _ : state) {
    auto frames = symbolizer.frames(*scene.view, unwound);
    benchmark::DoNotOptimize(frames);
  }
  set_frames(state, scene.frames);
}
BENCHMARK(plumb_names)->Unit(benchmark::kMicrosecond);

// Reading libc's frame information and building its table: paid once for each build of each file.
void cold_libc_table(benchmark::State& state) {
  const char* path = "/lib/x86_64-linux-gnu/libc.so.6";
  std::size_t entries = 0;
  for (auto _ : state) {
    auto image = FileImage::open(path);
    if (!image) std::abort();
    const auto module =
        Module::load(std::shared_ptr<const ImageSource>(*std::move(image)), path, 1);
    entries = module->unwind_table().entry_count();
  }
  state.counters["rows"] = static_cast<double>(entries);
}
BENCHMARK(cold_libc_table)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace plumb::detect

BENCHMARK_MAIN();
