// SPDX-License-Identifier: Apache-2.0
// Runs, windows, and what chance would do.
#include "detect/model/lift.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using Seconds = std::chrono::duration<double>;

constexpr std::array<nanoseconds, 3> kWindows = {250ms, 2s, 10s};
constexpr std::size_t kFewestRuns = 3;
constexpr std::size_t kMostRuns = 256;
constexpr double kMostRunsFollowed = 0.75;  // at least so many of them must be
constexpr double kBirthsWithin = 0.5;       // and so many births in windows
constexpr double kLeastLift = 2;            // against what chance would have followed
constexpr double kSurely = 0.001;

struct Run {
  BootTime begin{};
  BootTime end{};
};

struct Series {
  std::vector<Run> runs;  // ascending
  bool ended = false;
};

using Name = std::pair<Mark::Source, std::string>;

std::map<Name, Series> series_of(std::span<const Mark> marks, const Looking& looking) {
  std::vector<const Mark*> ordered;
  for (const Mark& mark : marks) {
    if (mark.time >= looking.from && mark.time < looking.to) ordered.push_back(&mark);
  }
  std::ranges::stable_sort(ordered, {}, [](const Mark* mark) { return mark->time; });
  std::map<Name, Series> all;
  for (const Mark* mark : ordered) {
    Series& series = all[Name{mark->source, mark->name}];
    if (mark->what == Mark::What::kStart) {
      series.runs.push_back({mark->time, mark->time});
    } else if (!series.runs.empty()) {
      series.runs.back().end = mark->time;
      series.ended = true;
    }
  }
  std::erase_if(all, [](const auto& one) { return one.second.runs.size() < kFewestRuns; });
  for (auto& [name, series] : all) series.runs.resize(std::min(series.runs.size(), kMostRuns));
  return all;
}

// That at least `followed` of events with these probabilities happen.
double tail(std::span<const double> probabilities, std::size_t followed) {
  std::vector<double> exactly{1};
  for (const double p : probabilities) {
    exactly.push_back(0);
    for (std::size_t k = exactly.size() - 1; k > 0; --k) {
      exactly[k] = exactly[k] * (1 - p) + exactly[k - 1] * p;
    }
    exactly[0] *= 1 - p;
  }
  double sum = 0;
  for (std::size_t k = exactly.size(); k-- > followed;) sum += exactly[k];
  return sum;
}

// The windows end where the next run begins, so that no birth counts twice.
Lift test(const Name& name, const Series& series, std::span<const BootTime> births,
          const Looking& looking, nanoseconds window) {
  Lift lift;
  lift.source = name.first;
  lift.name = name.second;
  lift.runs = series.runs.size();
  lift.births = births.size();
  lift.window = window;
  lift.ended = series.ended;
  const double span = Seconds(looking.to - looking.from).count();
  std::vector<double> by_chance;
  for (std::size_t r = 0; r < series.runs.size(); ++r) {
    const Run& run = series.runs[r];
    const BootTime next = r + 1 < series.runs.size() ? series.runs[r + 1].begin : looking.to;
    const BootTime end = std::min(run.end + window, next);
    const auto first = std::ranges::lower_bound(births, run.begin);
    const auto last = std::ranges::lower_bound(births, end);
    lift.within += static_cast<std::size_t>(last - first);
    lift.followed += first != last;
    const double share = std::clamp(Seconds(end - run.begin).count() / span, 0.0, 1.0);
    by_chance.push_back(1 - std::pow(1 - share, static_cast<double>(births.size())));
    lift.expected += by_chance.back();
  }
  lift.probability = tail(by_chance, lift.followed);
  return lift;
}

bool ties(const Lift& lift) {
  const auto followed = static_cast<double>(lift.followed);
  return followed >= kMostRunsFollowed * static_cast<double>(lift.runs) &&
         static_cast<double>(lift.within) >= kBirthsWithin * static_cast<double>(lift.births) &&
         followed >= kLeastLift * lift.expected && lift.probability < kSurely;
}

}  // namespace

std::vector<Lift> lifts_of(std::span<const BootTime> births, std::span<const Mark> marks,
                           const Looking& looking) {
  const auto begin = std::ranges::lower_bound(births, looking.from);
  const auto end = std::ranges::lower_bound(births, looking.to);
  const std::span<const BootTime> seen(begin, end);
  std::vector<Lift> found;
  if (seen.size() < kFewestRuns || looking.to <= looking.from) return found;
  const auto all = series_of(marks, looking);
  const auto tests = static_cast<double>(all.size() * kWindows.size());
  for (const auto& [name, series] : all) {
    std::optional<Lift> best;
    for (const nanoseconds window : kWindows) {
      Lift lift = test(name, series, seen, looking, window);
      lift.probability = std::min(1.0, lift.probability * tests);
      if (ties(lift) && (!best || lift.probability < best->probability)) best = std::move(lift);
    }
    if (best) found.push_back(*std::move(best));
  }
  std::ranges::stable_sort(found, {}, &Lift::probability);
  return found;
}

}  // namespace plumb::detect
