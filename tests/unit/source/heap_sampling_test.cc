// SPDX-License-Identifier: Apache-2.0
// The estimate of the heap: that it is right on average, whatever is allocated.
#include "detect/source/bpf/heap_sampling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace plumb::detect {
namespace {

constexpr std::uint64_t kMean = 4096;

struct Estimate {
  double bytes = 0;
  double blocks = 0;
};

// As the sampler and the tracing programs do it; the seed is fixed, so a run is like another.
Estimate estimate(const std::vector<std::uint64_t>& sizes) {
  std::mt19937 random(7);
  const auto draw = [&] { return static_cast<__u32>(random()); };
  std::int64_t left = static_cast<std::int64_t>(heap_step(draw(), kMean));
  Estimate sum;
  for (const std::uint64_t size : sizes) {
    __u32 marks = size >= kMean ? 1 : 0;
    if (size < kMean) left -= static_cast<std::int64_t>(size);
    for (; left < 0 && marks < kHeapMostMarks; ++marks) {
      left += static_cast<std::int64_t>(heap_step(draw(), kMean));
    }
    if (marks == 0) continue;
    const heap_sample stands = heap_stands_for(size, kMean, marks, draw());
    sum.bytes += static_cast<double>(stands.bytes);
    sum.blocks += static_cast<double>(stands.blocks);
  }
  return sum;
}

// Within four standard deviations of a Poisson count, and a hundredth for the logarithm's bends.
void expect_right(const std::vector<std::uint64_t>& sizes) {
  double bytes = 0;
  for (const std::uint64_t size : sizes) bytes += static_cast<double>(size);
  const double marks = bytes / static_cast<double>(kMean);
  const double tolerance = 4 / std::sqrt(marks) + 0.01;
  const Estimate found = estimate(sizes);
  EXPECT_NEAR(found.bytes / bytes, 1, tolerance);
  EXPECT_NEAR(found.blocks / static_cast<double>(sizes.size()), 1, tolerance);
}

TEST(HeapSampling, StepsHaveTheirMeanAndTheShapeOfTheExponentialDistribution) {
  std::mt19937 random(1);
  double sum = 0;
  int beyond = 0;
  constexpr int kSteps = 1'000'000;
  for (int i = 0; i < kSteps; ++i) {
    const auto step = static_cast<double>(heap_step(static_cast<__u32>(random()), 1 << 19));
    sum += step;
    beyond += step > 3 * (1 << 19) ? 1 : 0;
  }
  EXPECT_NEAR(sum / kSteps / (1 << 19), 1, 0.005);
  EXPECT_NEAR(beyond / double{kSteps}, std::exp(-3), 0.001);
}

TEST(HeapSampling, ExtremesOfTheRandomNumber) {
  EXPECT_EQ(heap_step(0xffffffff, 1 << 19), 0U);
  EXPECT_NEAR(static_cast<double>(heap_step(0, 1 << 19)) / (1 << 19), 32 * std::log(2), 0.05);
}

TEST(HeapSampling, LeadingZeros) {
  for (unsigned bit = 0; bit < 32; ++bit) EXPECT_EQ(heap_leading_zeros(1U << bit), 31 - bit);
  EXPECT_EQ(heap_leading_zeros(0xffffffff), 0U);
}

TEST(HeapSampling, SmallBlocks) {
  expect_right(std::vector<std::uint64_t>(4'000'000, 24));
}

TEST(HeapSampling, BlocksNearTheMean) {
  expect_right(std::vector<std::uint64_t>(100'000, kMean - 1));
  expect_right(std::vector<std::uint64_t>(100'000, kMean * 2 / 3));
}

TEST(HeapSampling, SmallAndLargeInTurn) {
  std::vector<std::uint64_t> sizes;
  for (int i = 0; i < 200'000; ++i) {
    sizes.push_back(48);
    sizes.push_back(1000);
  }
  expect_right(sizes);
}

TEST(HeapSampling, WhatIsAsLongAsTheMeanIsExact) {
  const Estimate found = estimate(std::vector<std::uint64_t>(100, kMean * 10));
  EXPECT_EQ(found.bytes, 100.0 * kMean * 10);
  EXPECT_EQ(found.blocks, 100.0);
}

}  // namespace
}  // namespace plumb::detect
