// SPDX-License-Identifier: Apache-2.0
#include "plumb/base/human.h"

#include <gtest/gtest.h>

#include <limits>

namespace plumb {
namespace {

using namespace std::chrono_literals;

TEST(HumanDuration, ReadsWhatPeopleWrite) {
  EXPECT_EQ(parse_duration("30s"), 30s);
  EXPECT_EQ(parse_duration("2h"), 2h);
  EXPECT_EQ(parse_duration("1m30s"), 90s);
  EXPECT_EQ(parse_duration("1.5h"), 90min);
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("2w"), 14 * 24h);
  EXPECT_EQ(parse_duration("0s"), 0s);
}

TEST(HumanDuration, RefusesWhatItWouldHaveToGuess) {
  for (const char* text :
       {"", "30", "s", "-5s", "5 s", "5x", "1..2s", "1e3s", "9999999999d", "inf"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(HumanDuration, PrintsTwoUnitsAtMost) {
  EXPECT_EQ(human_duration(0ns), "0ns");
  EXPECT_EQ(human_duration(850us), "850us");
  EXPECT_EQ(human_duration(4250ms), "4.2s");
  EXPECT_EQ(human_duration(59999ms), "59s");
  EXPECT_EQ(human_duration(2min + 5s), "2m05s");
  EXPECT_EQ(human_duration(40min + 5s), "40m");
  EXPECT_EQ(human_duration(3h), "3h");
  EXPECT_EQ(human_duration(3h + 20min + 59s), "3h20m");
  EXPECT_EQ(human_duration(5 * 24h + 4h), "5d04h");
}

TEST(HumanDuration, IsReadBack) {
  for (const auto value : {1ns, 850000ns, 4200000000ns, 125000000000ns, 12000000000000ns}) {
    EXPECT_EQ(parse_duration(human_duration(value)), value) << human_duration(value);
  }
}

TEST(HumanSize, ReadsBinaryAndDecimalUnits) {
  EXPECT_EQ(parse_size("512"), 512u);
  EXPECT_EQ(parse_size("64MiB"), 64u << 20);
  EXPECT_EQ(parse_size("64M"), 64u << 20);
  EXPECT_EQ(parse_size("1.5KiB"), 1536u);
  EXPECT_EQ(parse_size("5kB"), 5000u);
  for (const char* text : {"", "MiB", "-1", "1 MiB", "1mib", "99999999TiB"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
}

TEST(HumanSize, PrintsThreeDigitsAtMost) {
  EXPECT_EQ(human_size(0), "0B");
  EXPECT_EQ(human_size(812), "812B");
  EXPECT_EQ(human_size(1536), "1.5KiB");
  EXPECT_EQ(human_size(64u << 20), "64MiB");
  EXPECT_EQ(human_size(std::numeric_limits<std::uint64_t>::max()), "16EiB");
}

TEST(HumanCount, GroupsDigits) {
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(1000), "1,000");
  EXPECT_EQ(human_count(1045000), "1,045,000");
}

}  // namespace
}  // namespace plumb
