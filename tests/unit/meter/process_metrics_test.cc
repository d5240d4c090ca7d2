// SPDX-License-Identifier: Apache-2.0
#include "plumb/meter/process_metrics.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <map>

namespace plumb::runtime {
namespace {

std::map<std::string, double> values(const Registry& registry) {
  std::map<std::string, double> result;
  for (const auto& family : registry.scrape()) {
    for (const auto& sample : family.samples) result[family.name] = sample.value;
  }
  return result;
}

TEST(ProcessMetrics, TellsTheStandardSixOfThisProcess) {
  Registry registry;
  const ProcessMetrics process(registry);
  const auto clock_before = ::clock();
  const auto now = values(registry);
  EXPECT_EQ(now.size(), 6U);
  const double cpu = static_cast<double>(clock_before) / CLOCKS_PER_SEC;
  EXPECT_NEAR(now.at("process_cpu_seconds_total"), cpu, 0.5);
  EXPECT_GT(now.at("process_resident_memory_bytes"), 1 << 20);
  EXPECT_GT(now.at("process_virtual_memory_bytes"), now.at("process_resident_memory_bytes"));
  const auto seconds = static_cast<double>(::time(nullptr));
  EXPECT_LE(now.at("process_start_time_seconds"), seconds + 1);
  EXPECT_GT(now.at("process_start_time_seconds"), seconds - 600);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(now.at("process_max_fds"), static_cast<double>(limit.rlim_cur));
}

TEST(ProcessMetrics, CountsDescriptorsAlsoWhenNoneIsLeft) {
  Registry registry;
  const ProcessMetrics process(registry);
  const double before = values(registry).at("process_open_fds");
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  const rlimit small{.rlim_cur = 64, .rlim_max = old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &small), 0);
  std::vector<UniqueFd> all;
  for (;;) {
    UniqueFd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!fd) break;
    all.push_back(std::move(fd));
  }
  const auto full = values(registry);
  ::setrlimit(RLIMIT_NOFILE, &old);
  EXPECT_EQ(full.at("process_open_fds"), before + static_cast<double>(all.size()));
  EXPECT_EQ(full.at("process_max_fds"), 64);
  EXPECT_EQ(full.size(), 6U);
}

}  // namespace
}  // namespace plumb::runtime
