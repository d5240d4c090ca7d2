// SPDX-License-Identifier: Apache-2.0
// The survivor test: whether what one site acquires piles up. It looks at two things that a pool, a
// cache and busy traffic cannot both fake: the still-living come from all over the trace, and their
// number was still rising in its second half.
//
// A pool has survivors from its filling only, or keeps its number; traffic has survivors from the
// last moments only. The idea of judging by generations is that of heap leak detectors (Cork, POPL
// 2007); counts over time alone are known to raise false alarms (Machida et al., ISSREW 2013).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include "plumb/base/clock.h"

namespace plumb::detect {

enum class Growth : std::uint8_t {
  kNone,     // nothing held, or nothing of it came during the trace
  kTooFew,   // too little to tell: fewer than three survivors, or a trace of less than a second
  kSteady,   // held, but not piling up
  kGrowing,  // piles up
};

// Counts of one site over a trace: how many lived at each pass, and when those that live now were
// born. At most 64 points; beyond that neighbours are merged, keeping the lower count.
class GrowthSeries {
 public:
  struct Point {
    BootTime time{};
    std::uint64_t live = 0;
  };
  GrowthSeries() = default;
  // One that is over: nothing is added to it any more.
  explicit GrowthSeries(std::vector<Point> points) : points_(std::move(points)) {}

  void add(BootTime time, std::uint64_t live);
  const std::vector<Point>& points() const { return points_; }

 private:
  std::vector<Point> points_;
  std::size_t stride_ = 1;  // looks that a point covers
  std::size_t filled_ = 0;  // of them, in the last point
};

inline constexpr std::size_t kBirthWindows = 8;

// `births` counts those that live now by the eighth of the trace in which they were born; what is
// younger than the minimum age is not in it.
Growth judge(const GrowthSeries& series, const std::array<std::uint64_t, kBirthWindows>& births,
             std::chrono::nanoseconds traced);

}  // namespace plumb::detect
