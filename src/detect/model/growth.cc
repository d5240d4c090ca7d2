// SPDX-License-Identifier: Apache-2.0
// The survivor test.
#include "detect/model/growth.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace plumb::detect {
namespace {

constexpr std::size_t kMostPoints = 64;
constexpr std::uint64_t kFewestSurvivors = 3;
constexpr std::size_t kFewestPoints = 8;

// The lowest count within a part of the series: what traffic that comes and goes never falls below.
std::uint64_t floor_between(const std::vector<GrowthSeries::Point>& points, std::size_t from,
                            std::size_t to) {
  std::uint64_t lowest = points[from].live;
  for (std::size_t i = from; i < to; ++i) lowest = std::min(lowest, points[i].live);
  return lowest;
}

std::size_t first_from(const std::vector<GrowthSeries::Point>& points, BootTime time) {
  const auto at = std::ranges::lower_bound(points, time, {}, &GrowthSeries::Point::time);
  return static_cast<std::size_t>(at - points.begin());
}

using Births = std::array<std::uint64_t, kBirthWindows>;

// On a busy machine there may be too few looks for floors. Then survivors from the last quarter and
// more than at first have to do.
bool rising_at_ends(const std::vector<GrowthSeries::Point>& points, const Births& births) {
  const bool last_quarter = births[kBirthWindows - 2] + births[kBirthWindows - 1] > 0;
  return last_quarter && (points.size() < 2 || points.back().live > points.front().live);
}

// Whether the floor rose within the second half: a pool that has filled does not. The number of
// independent comings and goings strays by its square root; half of that is asked for.
bool still_rising(const std::vector<GrowthSeries::Point>& points, const Births& births) {
  if (points.size() < kFewestPoints) return rising_at_ends(points, births);
  // By the clock, not by the number of looks: on a busy machine they come in bunches.
  const auto span = points.back().time - points.front().time;
  const std::size_t half = first_from(points, points.front().time + span / 2);
  const std::size_t last = first_from(points, points.front().time + span * 3 / 4);
  if (half >= last) return rising_at_ends(points, births);
  const std::uint64_t before = floor_between(points, half, last);
  const std::uint64_t after = floor_between(points, last, points.size());
  if (after <= before) return false;
  const std::uint64_t rise = after - before;
  return 4 * rise * rise >= before;
}

}  // namespace

void GrowthSeries::add(BootTime time, std::uint64_t live) {
  if (filled_ < stride_ && !points_.empty()) {
    points_.back() = {time, std::min(points_.back().live, live)};
    ++filled_;
    return;
  }
  points_.push_back({time, live});
  filled_ = 1;
  if (points_.size() <= kMostPoints) return;
  // All points cover equally many looks.
  std::vector<Point> merged;
  merged.reserve(kMostPoints);
  for (std::size_t i = 0; i + 1 < points_.size(); i += 2) {
    merged.push_back({points_[i + 1].time, std::min(points_[i].live, points_[i + 1].live)});
  }
  if (points_.size() % 2 == 1) merged.push_back(points_.back());
  stride_ *= 2;
  points_ = std::move(merged);
}

Growth judge(const GrowthSeries& series, const std::array<std::uint64_t, kBirthWindows>& births,
             std::chrono::nanoseconds traced) {
  const std::uint64_t survivors = std::accumulate(births.begin(), births.end(), std::uint64_t{0});
  if (survivors == 0) return Growth::kNone;
  if (survivors < kFewestSurvivors || traced < std::chrono::seconds(1)) return Growth::kTooFew;
  const auto some = [](std::uint64_t count) { return count > 0; };
  const auto windows = std::ranges::count_if(births, some);
  const bool early = std::any_of(births.begin(), births.begin() + kBirthWindows / 2, some);
  const bool late = std::any_of(births.begin() + kBirthWindows / 2, births.end(), some);
  const bool spread = early && late && windows >= 3;
  return spread && still_rising(series.points(), births) ? Growth::kGrowing : Growth::kSteady;
}

}  // namespace plumb::detect
