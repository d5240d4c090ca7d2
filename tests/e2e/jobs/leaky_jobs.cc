// SPDX-License-Identifier: Apache-2.0
// Two jobs of plumb's runtime, each on a period of its own. One keeps the descriptor of each run in
// a list that nobody clears; the other closes what it opens. Given "healthy", both do.
//   plumb_jobs_sample [healthy]
#include <sys/eventfd.h>

#include <chrono>
#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

#include "plumb/base/unique_fd.h"
#include "plumb/jobs/jobs.h"

namespace {

using namespace plumb::runtime;
using plumb::Result;
using plumb::UniqueFd;
using namespace std::chrono_literals;

// What a job has opened, for whom it was meant to be used.
struct Images {
  bool healthy = false;
  std::vector<UniqueFd> kept;

  Task<Result<void>> check() {
    auto opened = UniqueFd::event(0, EFD_CLOEXEC);
    if (!opened) co_return std::move(opened).error();
    co_await plumb::runtime::sleep(20ms);  // the work
    if (!healthy) kept.push_back(*std::move(opened));
    co_return Result<void>();
  }
};

Task<Result<void>> count_tags() {
  const auto opened = UniqueFd::event(0, EFD_CLOEXEC);
  co_return co_await plumb::runtime::sleep(20ms);
}

}  // namespace

int main(int argc, char** argv) {
  auto loop = Loop::create({.name = "main"});
  if (!loop) return 1;
  Images images{.healthy = argc > 1 && std::string_view(argv[1]) == "healthy", .kept = {}};
  Jobs jobs(**loop);
  jobs.add({.name = "check images", .every = 1103ms, .exact = true},
           [&images] { return images.check(); });
  jobs.add({.name = "count tags", .every = 709ms, .exact = true}, [] { return count_tags(); });
  std::puts("ready");
  std::fflush(stdout);
  (*loop)->run(jobs.run());
}
