// SPDX-License-Identifier: Apache-2.0
// Distances between comings.
#include "detect/model/period.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace plumb::detect {
namespace {

constexpr std::size_t kFewestComings = 4;
constexpr double kStray = 1.0 / 7;
constexpr double kMostRegular = 0.9;  // of the distances must fit

std::vector<double> distances(std::span<const BootTime> times) {
  std::vector<double> all;
  for (std::size_t i = 1; i < times.size(); ++i) {
    all.push_back(std::chrono::duration<double>(times[i] - times[i - 1]).count());
  }
  return all;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// What comes within a short while of the last is one coming. Distances within one are short, so
// the long ones decide what is long: the mean of all that are above the mean.
std::vector<BootTime> comings_of(std::span<const BootTime> births) {
  const auto gaps = distances(births);
  const double mean = std::chrono::duration<double>(births.back() - births.front()).count() /
                      static_cast<double>(gaps.size());
  std::vector<double> longer;
  std::ranges::copy_if(gaps, std::back_inserter(longer),
                       [&](double gap) { return gap >= mean / 2; });
  const double together = longer.empty() ? 0 : median(longer) / 10;
  std::vector<BootTime> comings{births.front()};
  BootTime last = births.front();
  for (const BootTime birth : births.subspan(1)) {
    if (std::chrono::duration<double>(birth - last).count() > together) comings.push_back(birth);
    last = birth;
  }
  return comings;
}

}  // namespace

std::optional<Period> period_of(std::span<const BootTime> births) {
  if (births.size() < kFewestComings || births.front() == births.back()) return std::nullopt;
  const auto comings = comings_of(births);
  if (comings.size() < kFewestComings) return std::nullopt;
  const auto gaps = distances(comings);
  const double step = median(gaps);
  double multiples = 0;
  std::size_t fit = 0;
  for (const double gap : gaps) {
    const double times = std::max(1.0, std::round(gap / step));
    multiples += times;
    fit += std::abs(gap - times * step) <= kStray * step;
  }
  if (static_cast<double>(fit) < kMostRegular * static_cast<double>(gaps.size()))
    return std::nullopt;
  const std::chrono::duration<double> whole = comings.back() - comings.front();
  return Period{std::chrono::duration_cast<std::chrono::nanoseconds>(whole / multiples),
                static_cast<double>(births.size()) / static_cast<double>(comings.size()),
                comings.size()};
}

}  // namespace plumb::detect
