// SPDX-License-Identifier: Apache-2.0
// Dates as HTTP writes them: "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7).
#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace plumb::runtime {

std::string http_date(std::time_t when);

// The preferred form only; the two obsolete ones are treated as no date, which is always allowed
// for a conditional request: it is then answered in full.
std::optional<std::time_t> parse_http_date(std::string_view text);

// The date of now, made anew once a second.
class DateCache {
 public:
  std::string_view now();

 private:
  std::time_t second_ = -1;
  std::string text_;
};

}  // namespace plumb::runtime
