// SPDX-License-Identifier: Apache-2.0
// What was missing in a table.
#include "detect/record/recording_rows.h"

#include <fmt/format.h>

namespace plumb::detect {

std::string RecordingRows::descending(std::string_view key) {
  std::string order;
  for (const char c : key) {
    if (c == ',') order += " DESC";
    order += c;
  }
  return order + " DESC";
}

void RecordingRows::note(std::string_view table, bool whole, std::uint64_t good,
                         std::uint64_t senseless) {
  const auto expected = expected_.find(table);
  if (expected != expected_.end() && good < expected->second) {
    missing_.push_back(
        fmt::format("{} of {} rows of table {}", expected->second - good, expected->second, table));
  } else if (senseless > 0) {
    missing_.push_back(fmt::format("{} rows of table {} that make no sense", senseless, table));
  } else if (!whole) {
    missing_.push_back(fmt::format("rows of table {}, which is damaged; {} are left", table, good));
  }
}

}  // namespace plumb::detect
