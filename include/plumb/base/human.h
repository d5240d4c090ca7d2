// SPDX-License-Identifier: Apache-2.0
// Durations, sizes and counts as people write them: `30s`, `1m30s`, `64MiB`, `1,045,000`.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace plumb {

// A number with a unit of ns, us, ms, s, m, h, d or w, fractions allowed, several in a row added
// up: "90s", "1m30s", "1.5h". A bare number is nothing: its unit would be a guess. Nothing as well
// for a sign, blanks, an unknown unit, and what 292 years of nanoseconds do not hold.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

// A number of bytes with an optional unit: B, KiB, MiB, GiB, TiB (and K, M, G, T for the same),
// kB, MB, GB, TB for powers of 1000. Nothing for what 64 bits do not hold.
std::optional<std::uint64_t> parse_size(std::string_view text);

// Two digits or two units, at most six characters below a century: "850us", "4.2s", "2m05s", "40m",
// "3h20m", "5d04h". parse_duration() reads it back, rounded down to what was printed.
std::string human_duration(std::chrono::nanoseconds duration);

// At most three digits and a binary unit: "812B", "1.5KiB", "64MiB".
std::string human_size(std::uint64_t bytes);

// Digits in groups of three: "1,045,000".
std::string human_count(std::uint64_t count);

}  // namespace plumb
