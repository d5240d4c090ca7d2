// SPDX-License-Identifier: Apache-2.0
// Reading and printing of durations, sizes and counts.
#include "plumb/base/human.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "plumb/base/text.h"

namespace plumb {
namespace {

using std::chrono::nanoseconds;

using Unit = std::pair<std::string_view, double>;
constexpr std::array kDurationUnits = {Unit{"ns", 1},     Unit{"us", 1e3},   Unit{"ms", 1e6},
                                       Unit{"s", 1e9},    Unit{"m", 60e9},   Unit{"h", 3600e9},
                                       Unit{"d", 864e11}, Unit{"w", 6048e11}};
constexpr double kKi = 1024;
constexpr std::array kSizeUnits = {Unit{"", 1},
                                   Unit{"B", 1},
                                   Unit{"K", kKi},
                                   Unit{"KiB", kKi},
                                   Unit{"M", kKi* kKi},
                                   Unit{"MiB", kKi* kKi},
                                   Unit{"kB", 1e3},
                                   Unit{"MB", 1e6},
                                   Unit{"G", kKi* kKi* kKi},
                                   Unit{"GB", 1e9},
                                   Unit{"TB", 1e12},
                                   Unit{"GiB", kKi* kKi* kKi},
                                   Unit{"T", kKi* kKi* kKi* kKi},
                                   Unit{"TiB", kKi* kKi* kKi* kKi}};

// Takes "12" or "1.5" off the front.
std::optional<double> take_decimal(std::string_view& rest) {
  const std::size_t length = std::min(rest.find_first_not_of("0123456789."), rest.size());
  double value = 0;
  const auto [end, error] =
      std::from_chars(rest.data(), rest.data() + length, value, std::chars_format::fixed);
  if (error != std::errc{} || end != rest.data() + length) return std::nullopt;
  rest.remove_prefix(length);
  return value;
}

template <std::size_t N>
std::optional<double> factor_of(const std::array<Unit, N>& units, std::string_view name) {
  const auto unit = std::ranges::find(units, name, &Unit::first);
  if (unit == units.end()) return std::nullopt;
  return unit->second;
}

// 4.2 below ten, 42 above: never more digits than the eye wants.
std::string short_number(double value) {
  const double tenths = std::floor(value * 10) / 10;
  if (tenths < 10 && tenths != std::floor(tenths)) return fmt::format("{:.1f}", tenths);
  return fmt::format("{:.0f}", std::floor(value));
}

// "4m05s", "4m", "12m": the smaller unit only where it says something.
std::string two_units(std::int64_t large, const char* unit, std::int64_t small,
                      const char* smaller) {
  if (large >= 10 || small == 0) return fmt::format("{}{}", large, unit);
  return fmt::format("{}{}{:02}{}", large, unit, small, smaller);
}

}  // namespace

std::optional<nanoseconds> parse_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    const auto value = take_decimal(text);
    if (!value) return std::nullopt;
    const auto name = text.substr(0, std::min(text.find_first_of("0123456789."), text.size()));
    const auto factor = factor_of(kDurationUnits, name);
    if (!factor) return std::nullopt;
    total += *value * *factor;
    text.remove_prefix(name.size());
  }
  if (total >= static_cast<double>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  return nanoseconds(static_cast<std::int64_t>(std::llround(total)));
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto value = take_decimal(text);
  if (!value) return std::nullopt;
  const auto factor = factor_of(kSizeUnits, text);
  if (!factor) return std::nullopt;
  const double bytes = *value * *factor;
  if (bytes >= static_cast<double>(std::numeric_limits<std::uint64_t>::max())) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

std::string human_duration(nanoseconds duration) {
  if (duration < nanoseconds(0)) return "-" + human_duration(-(duration + nanoseconds(1)));
  const auto ns = static_cast<double>(duration.count());
  if (ns < 1e3) return fmt::format("{}ns", duration.count());
  if (ns < 1e6) return short_number(ns / 1e3) + "us";
  if (ns < 1e9) return short_number(ns / 1e6) + "ms";
  if (ns < 60e9) return short_number(ns / 1e9) + "s";
  const std::int64_t seconds = duration.count() / 1'000'000'000;
  const std::int64_t minutes = seconds / 60;
  const std::int64_t hours = minutes / 60;
  if (hours == 0) return two_units(minutes, "m", seconds % 60, "s");
  if (hours < 24) return two_units(hours, "h", minutes % 60, "m");
  return two_units(hours / 24, "d", hours % 24, "h");
}

std::string human_size(std::uint64_t bytes) {
  static constexpr std::array kNames = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1000 && unit + 1 < kNames.size()) {  // "0.9KiB" reads better than "1000B"
    value /= kKi;
    ++unit;
  }
  return short_number(value) + kNames[unit];
}

std::string human_count(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

}  // namespace plumb
