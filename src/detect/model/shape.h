// SPDX-License-Identifier: Apache-2.0
// The shape of a series of counts: whether it only moves, or rises, and how.
//
// What a busy program holds goes up and down; what it leaks it never gives back. So the floor is
// judged, the lowest count within each window of time, and not the counts. A rise is one when the
// floor's slope (Theil 1950, Sen 1968) is surely above zero and the floor has risen by something
// that matters. Mann-Kendall's test is a gate only: alone it cries wolf (Machida et al., ISSREW
// 2013).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "plumb/base/clock.h"

namespace plumb::detect {

struct SeriesPoint {
  BootTime time{};
  std::uint64_t count = 0;
  friend bool operator==(const SeriesPoint&, const SeriesPoint&) = default;
};

enum class Shape : std::uint8_t {
  kTooShort,     // fewer than eight points, or less than four seconds
  kSteady,       // the floor does not rise
  kSawtooth,     // rises and falls back, more than once
  kPlateau,      // rose, and has stopped
  kFollowsLoad,  // goes where the load goes
  kLinear,       // rises all the time
  kSteps,        // rises now and then, with a stillness between
};

// "linear", "steps", …
std::string_view name_of(Shape shape);

struct Trend {
  Shape shape = Shape::kTooShort;
  std::int64_t rise = 0;    // of the floor, from the first window to the last
  double per_second = 0;    // slope of the floor
  double at_least = 0;      // lower end of the slope's 95 % interval
  double probability = 1;   // of such a rise where there is none (Mann-Kendall)
  std::size_t windows = 0;  // of the time, in which something came and stayed

  // Rises without falling back: what a leak looks like.
  bool rises() const { return shape == Shape::kLinear || shape == Shape::kSteps; }
};

// Points by ascending time. `least` is how far the floor must have risen at the least; a smaller
// rise is steady. Pure; O(n + w^2) for w <= 12 windows.
Trend trend_of(std::span<const SeriesPoint> points, std::uint64_t least);
// The same, told apart from a load that was counted at the same times: a count that goes where the
// load goes follows it.
Trend trend_of(std::span<const SeriesPoint> points, std::span<const SeriesPoint> load,
               std::uint64_t least);

// When a count that rises like this reaches the limit; nothing where it does not rise.
std::optional<std::chrono::nanoseconds> time_to(std::uint64_t limit, std::uint64_t now,
                                                const Trend& trend);

}  // namespace plumb::detect
