// SPDX-License-Identifier: Apache-2.0
// The journal's entries, as journalctl -o json has them.
#include "detect/source/journal_marks.h"

#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr nanoseconds kToBoot = -1'700'000'000s;  // the machine was started then

TEST(Journal, CommandsOfCronAndUnitsOfTimersAreMarks) {
  const auto marks = parse_journal(
      R"j({"__REALTIME_TIMESTAMP":"1700000100000000","SYSLOG_IDENTIFIER":"CRON","MESSAGE":"(root) CMD (run-parts /etc/cron.hourly)"})j"
      "\n"
      R"j({"__REALTIME_TIMESTAMP":"1700000200500000","SYSLOG_IDENTIFIER":"systemd","MESSAGE_ID":"7d4958e842da4a758f6c1cdc7b36dcc5","UNIT":"backup.service","MESSAGE":"Starting backup.service…"})j"
      "\n"
      R"j({"__REALTIME_TIMESTAMP":"1700000203000000","SYSLOG_IDENTIFIER":"systemd","MESSAGE_ID":"39f53479d3a045ac8e11786248231fbf","UNIT":"backup.service"})j"
      "\n",
      kToBoot);
  ASSERT_EQ(marks.size(), 3u);
  EXPECT_EQ(marks[0].source, Mark::Source::kCron);
  EXPECT_EQ(marks[0].name, "run-parts /etc/cron.hourly");
  EXPECT_EQ(marks[0].time, BootTime(100s));
  EXPECT_EQ(marks[1].source, Mark::Source::kUnit);
  EXPECT_EQ(marks[1].name, "backup.service");
  EXPECT_EQ(marks[1].what, Mark::What::kStart);
  EXPECT_EQ(marks[1].time, BootTime(200500ms));
  EXPECT_EQ(marks[2].what, Mark::What::kStop);
}

TEST(Journal, WhatIsNoMarkIsLeftOut) {
  EXPECT_TRUE(
      parse_journal(
          "no json\n[]\nnull\n{}\n{\"__REALTIME_TIMESTAMP\":\"1\"}\n"
          R"j({"__REALTIME_TIMESTAMP":"1700000100000000","SYSLOG_IDENTIFIER":"CRON","MESSAGE":"pam_unix(cron:session): session opened"})j"
          "\n"
          R"j({"__REALTIME_TIMESTAMP":"99999999999999999999","SYSLOG_IDENTIFIER":"CRON","MESSAGE":"(root) CMD (x)"})j"
          "\n"
          R"j({"__REALTIME_TIMESTAMP":"1700000100000000","SYSLOG_IDENTIFIER":"CRON","MESSAGE":[40,41]})j",
          kToBoot)
          .empty());
}

TEST(Journal, TheTimeIsThatOfTheSender) {
  const auto marks = parse_journal(
      R"j({"__REALTIME_TIMESTAMP":"1700000109000000","_SOURCE_REALTIME_TIMESTAMP":"1700000100000000","SYSLOG_IDENTIFIER":"CRON","MESSAGE":"(root) CMD (x)"})j",
      kToBoot);
  ASSERT_EQ(marks.size(), 1u);
  EXPECT_EQ(marks[0].time, BootTime(100s));
}

TEST(Journal, ALongNameIsCut) {
  const auto marks = parse_journal(
      R"j({"__REALTIME_TIMESTAMP":"1700000100000000","SYSLOG_IDENTIFIER":"CRON","MESSAGE":"(root) CMD ()j" +
          std::string(5000, 'x') + R"j()"})j",
      kToBoot);
  ASSERT_EQ(marks.size(), 1u);
  EXPECT_EQ(marks[0].name.size(), 200u);
}

}  // namespace
}  // namespace plumb::detect
