// SPDX-License-Identifier: Apache-2.0
// Words for lifts.
#include "detect/finding/lifted.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "detect/finding/wording.h"
#include "detect/model/lift.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMostTold = 2;      // jobs that start together cannot be told apart
constexpr std::size_t kLongestName = 60;  // cells of a name, which is a stranger's

// "1 in 20,000": one digit, rounded towards what is likelier.
std::string chance_text(double probability) {
  constexpr double kMost = 1e9;
  const double times = std::min(1 / std::max(probability, 1 / kMost), kMost);
  const double unit = std::pow(10, std::floor(std::log10(times)));
  const auto rounded = static_cast<std::uint64_t>(std::floor(times / unit) * unit);
  return fmt::format("1 in {}{}", human_count(rounded), times >= kMost ? " or less" : "");
}

std::string each_text(const Lift& lift) {
  const auto each = static_cast<std::uint64_t>(
      std::llround(static_cast<double>(lift.within) / static_cast<double>(lift.followed)));
  const std::string when =
      lift.ended ? fmt::format("during or within {} after", human_duration(lift.window))
                 : fmt::format("within {} after", human_duration(lift.window));
  const std::string runs =
      lift.followed == lift.runs
          ? fmt::format("each of {} runs", human_count(lift.runs))
          : fmt::format("{} of {} runs", human_count(lift.followed), human_count(lift.runs));
  return fmt::format("+{} {} {} of {} {}", std::max<std::uint64_t>(each, 1), when, runs,
                     name_of(lift.source), short_command(lift.name, kLongestName));
}

}  // namespace

void add_lifts(const Facts& facts, std::span<const BootTime> births, BootTime from,
               Finding& finding) {
  // Where later ones were left out, what came after the last is not looked at.
  const BootTime to = births.size() < kMostBirthTimes
                          ? facts.now.survey.taken + facts.now.survey.took
                          : births.back();
  const auto lifts = lifts_of(births, facts.marks, {from, to});
  for (std::size_t l = 0; l < std::min(lifts.size(), kMostTold); ++l) {
    finding.evidence.push_back(
        {l == 0 ? "tied to" : "or to",
         fmt::format("{}; by chance {}", each_text(lifts[l]), chance_text(lifts[l].probability))});
  }
}

}  // namespace plumb::detect
