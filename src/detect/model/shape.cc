// SPDX-License-Identifier: Apache-2.0
// Slopes of floors.
#include "detect/model/shape.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace plumb::detect {
namespace {

constexpr std::size_t kFewestPoints = 8;
constexpr std::size_t kMostWindows = 12;
constexpr std::chrono::seconds kShortest{4};
constexpr double kGate = 0.02;  // of Mann-Kendall: one series in fifty passes by chance
constexpr double kLoadLikeness = 0.8;

double seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

// The lowest point of each window; windows cover equal parts of the time.
std::vector<SeriesPoint> floors_of(std::span<const SeriesPoint> points) {
  const std::size_t windows = std::min(kMostWindows, points.size() / 2);
  const auto begin = points.front().time;
  const auto span = points.back().time - begin;
  std::vector<SeriesPoint> floors;
  std::size_t last = windows;
  for (const SeriesPoint& point : points) {
    const auto at = static_cast<std::size_t>((point.time - begin) * windows /
                                             (span + std::chrono::nanoseconds(1)));
    if (at != last) {
      floors.push_back(point);
      last = at;
    } else if (point.count < floors.back().count) {
      floors.back() = point;
    }
  }
  return floors;
}

struct Pairs {
  std::vector<double> slopes;  // ascending
  long long concordance = 0;   // Kendall's S
  double variance = 0;         // of S where nothing rises, with ties
};

Pairs pairs_of(const std::vector<SeriesPoint>& floors) {
  Pairs pairs;
  for (std::size_t i = 0; i < floors.size(); ++i) {
    for (std::size_t j = i + 1; j < floors.size(); ++j) {
      const double rise =
          static_cast<double>(floors[j].count) - static_cast<double>(floors[i].count);
      const double time = seconds(floors[j].time - floors[i].time);
      if (time > 0) pairs.slopes.push_back(rise / time);
      pairs.concordance += rise > 0 ? 1 : rise < 0 ? -1 : 0;
    }
  }
  std::ranges::sort(pairs.slopes);
  const auto term = [](double n) { return n * (n - 1) * (2 * n + 5); };
  double ties = 0;
  std::vector<std::uint64_t> counts;
  for (const SeriesPoint& floor : floors) counts.push_back(floor.count);
  std::ranges::sort(counts);
  for (auto at = counts.begin(); at != counts.end();) {
    const auto next = std::upper_bound(at, counts.end(), *at);
    ties += term(static_cast<double>(next - at));
    at = next;
  }
  pairs.variance = (term(static_cast<double>(floors.size())) - ties) / 18;
  return pairs;
}

// Of a rise as clear as this one where nothing rises: one-sided, normal approximation.
double chance_of(const Pairs& pairs) {
  if (pairs.concordance <= 0 || pairs.variance <= 0) return 1;
  const double z = (static_cast<double>(pairs.concordance) - 1) / std::sqrt(pairs.variance);
  return 0.5 * std::erfc(z / std::sqrt(2.0));
}

// Sen's interval: the slopes so far from the middle as S strays.
double lower_slope(const Pairs& pairs) {
  const auto count = static_cast<double>(pairs.slopes.size());
  const double strays = 1.96 * std::sqrt(pairs.variance);
  const auto rank = static_cast<std::size_t>(std::max(0.0, (count - strays) / 2));
  return pairs.slopes[std::min(rank, pairs.slopes.size() - 1)];
}

// How often it fell by more than half of its whole range.
std::size_t falls_of(std::span<const SeriesPoint> points) {
  const auto [least, most] = std::ranges::minmax(points, {}, &SeriesPoint::count);
  const std::uint64_t range = most.count - least.count;
  std::size_t falls = 0;
  std::uint64_t peak = points.front().count;
  for (const SeriesPoint& point : points) {
    peak = std::max(peak, point.count);
    if (range > 2 && 2 * (peak - point.count) > range) {
      ++falls;
      peak = point.count;
    }
  }
  return falls;
}

// Whether the floor still rose at the end: since the middle, and within the last third unless it
// rises so rarely that a stillness of a third is what its steps are like.
bool rises_late(const std::vector<SeriesPoint>& floors) {
  const std::size_t half = floors.size() / 2;
  if (floors.back().count <= floors[half].count) return false;
  const auto total = static_cast<double>(floors.back().count - floors.front().count);
  const auto late = static_cast<double>(floors.back().count - floors[half].count);
  return late >= total / 6;
}

// Changes upwards, and for how much of the time nothing changed before and after them.
bool in_steps(std::span<const SeriesPoint> points) {
  std::size_t ups = 0;
  for (std::size_t i = 1; i < points.size(); ++i) ups += points[i].count > points[i - 1].count;
  return ups >= 2 && 3 * ups <= points.size();
}

// A count that comes and goes strays by twice the square root of itself; one that never falls does
// not.
std::int64_t wanted_rise(std::span<const SeriesPoint> points,
                         const std::vector<SeriesPoint>& floors, std::uint64_t least) {
  const auto falls = [](const SeriesPoint& a, const SeriesPoint& b) { return b.count < a.count; };
  const bool never = std::ranges::adjacent_find(points, falls) == points.end();
  const double strays = never ? 1 : 2 * std::sqrt(static_cast<double>(floors.back().count));
  return static_cast<std::int64_t>(std::max(static_cast<double>(least), strays));
}

std::vector<double> ranks_of(std::span<const SeriesPoint> points) {
  std::vector<double> ranks;
  for (const SeriesPoint& point : points) {
    const auto below =
        std::ranges::count_if(points, [&](const auto& p) { return p.count < point.count; });
    const auto equal = std::ranges::count(points, point.count, &SeriesPoint::count);
    ranks.push_back(static_cast<double>(below) + static_cast<double>(equal - 1) / 2);
  }
  return ranks;
}

// Spearman's rank correlation; 0 where one of them does not move.
double likeness(std::span<const SeriesPoint> left, std::span<const SeriesPoint> right) {
  const auto a = ranks_of(left);
  const auto b = ranks_of(right);
  const double mean = (static_cast<double>(a.size()) - 1) / 2;
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean) * (b[i] - mean);
    aa += (a[i] - mean) * (a[i] - mean);
    bb += (b[i] - mean) * (b[i] - mean);
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

}  // namespace

std::string_view name_of(Shape shape) {
  switch (shape) {
    case Shape::kTooShort:
      return "too short to tell";
    case Shape::kSteady:
      return "steady";
    case Shape::kSawtooth:
      return "sawtooth";
    case Shape::kPlateau:
      return "plateau";
    case Shape::kFollowsLoad:
      return "follows load";
    case Shape::kLinear:
      return "linear";
    case Shape::kSteps:
      return "steps";
  }
  return "";
}

Trend trend_of(std::span<const SeriesPoint> points, std::uint64_t least) {
  Trend trend;
  if (points.size() < kFewestPoints || points.back().time - points.front().time < kShortest) {
    return trend;
  }
  const auto floors = floors_of(points);
  const Pairs pairs = pairs_of(floors);
  trend.rise = static_cast<std::int64_t>(floors.back().count) -
               static_cast<std::int64_t>(floors.front().count);
  trend.per_second = pairs.slopes[pairs.slopes.size() / 2];
  trend.at_least = lower_slope(pairs);
  trend.probability = chance_of(pairs);
  for (std::size_t i = 1; i < floors.size(); ++i)
    trend.windows += floors[i].count > floors[i - 1].count;

  const bool risen = trend.rise >= wanted_rise(points, floors, least);
  if (risen && trend.probability <= kGate && trend.windows >= 3) {
    const bool goes_on = rises_late(floors) && trend.per_second > 0;
    trend.shape = !goes_on ? Shape::kPlateau : in_steps(points) ? Shape::kSteps : Shape::kLinear;
  } else if (falls_of(points) >= 2) {
    trend.shape = Shape::kSawtooth;
  } else {
    trend.shape = risen && !rises_late(floors) ? Shape::kPlateau : Shape::kSteady;
  }
  return trend;
}

Trend trend_of(std::span<const SeriesPoint> points, std::span<const SeriesPoint> load,
               std::uint64_t least) {
  Trend trend = trend_of(points, least);
  if (trend.rises() && load.size() == points.size() && likeness(points, load) > kLoadLikeness) {
    // Both may rise by chance; a load that falls takes only what follows it along.
    const auto peak = std::ranges::max_element(load, {}, &SeriesPoint::count);
    const auto at = static_cast<std::size_t>(peak - load.begin());
    const bool load_fell = 10 * load.back().count < 9 * peak->count;
    if (load_fell && points.back().count < points[at].count) trend.shape = Shape::kFollowsLoad;
    if (!load_fell && load.back().count > load.front().count) trend.shape = Shape::kFollowsLoad;
  }
  return trend;
}

std::optional<std::chrono::nanoseconds> time_to(std::uint64_t limit, std::uint64_t now,
                                                const Trend& trend) {
  if (!trend.rises() || trend.per_second <= 0) return std::nullopt;
  if (now >= limit) return std::chrono::nanoseconds(0);
  constexpr double kCentury = 100.0 * 365 * 86400;
  const double left = static_cast<double>(limit - now) / trend.per_second;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>(std::min(left, kCentury)));
}

}  // namespace plumb::detect
