// SPDX-License-Identifier: Apache-2.0
// Marks from systemd's journal: what cron started, and units of systemd, which timers start.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "detect/record/mark.h"
#include "plumb/base/result.h"

namespace plumb::detect {

// Marks in the text of `journalctl -o json`, an entry a line; other entries and broken lines are
// left out. Times are the journal's wall clock plus `to_boot`. At most 10,000.
std::vector<Mark> parse_journal(std::string_view text, std::chrono::nanoseconds to_boot);

// What the journal has since then. Errors: ENOENT without journalctl, ENODATA where it can read no
// journal, ETIMEDOUT where it takes longer than two seconds.
Result<std::vector<Mark>> read_journal(BootTime since);

}  // namespace plumb::detect
