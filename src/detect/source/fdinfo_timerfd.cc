// SPDX-License-Identifier: Apache-2.0
// timerfd (fs/timerfd.c): "clockid: 1", "ticks: 0", "it_value: (9, 999986313)" in seconds and
// nanoseconds until the next expiry, "it_interval: (10, 0)".
#include "detect/source/fdinfo.h"
#include "detect/source/fdinfo_lines.h"

namespace plumb::detect {
namespace {

// "(SECONDS, NANOSECONDS)"; zero where it is not that, as for a timer that is not armed. A timer
// may be set 292 years ahead and more: what does not fit is the longest duration there is.
std::chrono::nanoseconds interval_of(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    auto value = value_of(take_until(text, '\n'), key);
    if (!value) continue;
    if (!value->starts_with('(') || !value->ends_with(')')) break;
    auto rest = value->substr(1, value->size() - 2);
    const auto seconds = parse_number<std::int64_t>(trim(take_until(rest, ',')));
    const auto nanoseconds = parse_number<std::int64_t>(trim(rest));
    constexpr std::int64_t kSecond = 1'000'000'000;
    if (!seconds || !nanoseconds || *seconds < 0 || *nanoseconds < 0 || *nanoseconds >= kSecond) {
      break;
    }
    if (*seconds >= INT64_MAX / kSecond) return std::chrono::nanoseconds::max();
    return std::chrono::seconds(*seconds) + std::chrono::nanoseconds(*nanoseconds);
  }
  return {};
}

}  // namespace

std::optional<Detail> decode_timerfd(std::string_view text) {
  const auto clock = number_of<std::int32_t>(text, "clockid");
  if (!clock) return std::nullopt;
  return TimerfdDetail{.clock = *clock,
                       .expirations = number_of<std::uint64_t>(text, "ticks").value_or(0),
                       .remaining = interval_of(text, "it_value"),
                       .interval = interval_of(text, "it_interval")};
}

}  // namespace plumb::detect
