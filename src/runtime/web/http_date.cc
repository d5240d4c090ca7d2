// SPDX-License-Identifier: Apache-2.0
// Dates without locale.
#include "http_date.h"

#include <algorithm>
#include <array>

#include "plumb/base/text.h"

namespace plumb::runtime {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void put(std::string& out, int value, int digits) {
  const std::string text = std::to_string(value);
  out.append(static_cast<std::size_t>(digits) - std::min<std::size_t>(text.size(), 4), '0');
  out += text;
}

}  // namespace

std::string http_date(std::time_t when) {
  std::tm utc{};
  ::gmtime_r(&when, &utc);
  std::string text;
  text.reserve(29);
  text.append(kDays[static_cast<std::size_t>(utc.tm_wday)]).append(", ");
  put(text, utc.tm_mday, 2);
  text.append(" ").append(kMonths[static_cast<std::size_t>(utc.tm_mon)]).append(" ");
  put(text, utc.tm_year + 1900, 4);
  for (const int part : {utc.tm_hour, utc.tm_min, utc.tm_sec}) {
    text += text.size() == 16 ? ' ' : ':';
    put(text, part, 2);
  }
  return text.append(" GMT");
}

std::optional<std::time_t> parse_http_date(std::string_view text) {
  if (text.size() != 29 || !text.ends_with(" GMT") || text.substr(3, 2) != ", ") {
    return std::nullopt;
  }
  std::tm utc{};
  std::size_t month = 0;
  while (month < kMonths.size() && kMonths[month] != text.substr(8, 3)) ++month;
  const auto day = parse_number<unsigned>(text.substr(5, 2));
  const auto year = parse_number<unsigned>(text.substr(12, 4));
  const auto hour = parse_number<unsigned>(text.substr(17, 2));
  const auto minute = parse_number<unsigned>(text.substr(20, 2));
  const auto second = parse_number<unsigned>(text.substr(23, 2));
  if (month == kMonths.size() || !day || !year || !hour || !minute || !second) return std::nullopt;
  if (text[7] != ' ' || text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':') {
    return std::nullopt;
  }
  if (*day < 1 || *day > 31 || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  utc.tm_mday = static_cast<int>(*day);
  utc.tm_mon = static_cast<int>(month);
  utc.tm_year = static_cast<int>(*year) - 1900;
  utc.tm_hour = static_cast<int>(*hour);
  utc.tm_min = static_cast<int>(*minute);
  utc.tm_sec = static_cast<int>(*second);
  return ::timegm(&utc);
}

std::string_view DateCache::now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &time);
  if (time.tv_sec != second_) {
    second_ = time.tv_sec;
    text_ = http_date(second_);
  }
  return text_;
}

}  // namespace plumb::runtime
