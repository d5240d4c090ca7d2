// SPDX-License-Identifier: Apache-2.0
#include "detect/model/selector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/survey_builder.h"

namespace plumb::detect {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Selecting : public testing::Test {
 protected:
  Selecting() {
    const auto listener =
        b.ip(SOCK_STREAM, SurveyBuilder::at(0, 0, 0, 0, 8080), {}, SocketState::kListen);
    Socket& log = b.socket(AF_UNIX, SOCK_DGRAM);
    log.path = b.survey.texts.add("/run/log.sock");
    Socket& bus = b.socket(AF_UNIX, SOCK_STREAM);
    bus.path = b.survey.texts.add(std::string_view("\0bus", 4));
    b.process(10, "nginx", 1, {"nginx: master process /usr/sbin/nginx"}).cgroup =
        b.survey.texts.add("/system.slice/nginx.service");
    b.stands_for(3, Kind::kTcp, listener);   // row 0
    b.file(4, "/var/log/nginx/access.log");  // row 1
    b.process(11, "python3", 1, {"/usr/bin/python3", "-m", "http.server"});
    b.stands_for(3, Kind::kUnix, 1);  // row 2
    b.stands_for(4, Kind::kUnix, 2);  // row 3
    b.process(12, "ThreadPoolForeg", 1, {"/opt/chrome/chrome", "--type=renderer"}).cgroup =
        b.survey.texts.add("/user.slice/app-chrome.scope");
    b.file(5, "/var/logs");  // row 4
  }

  std::vector<int> rows(std::string_view selector) {
    const Selection selection = select(b.survey, {parse_selector(selector).value()});
    std::vector<int> chosen;
    for (std::size_t d = 0; d < b.survey.descriptors.size(); ++d) {
      if (selection.has_row(d)) chosen.push_back(static_cast<int>(d));
    }
    EXPECT_EQ(chosen.empty(), !selection.unmatched.empty());
    return chosen;
  }

  SurveyBuilder b;
};

TEST_F(Selecting, ByPidNameUnitAndCgroupTakesWholeProcesses) {
  EXPECT_THAT(rows("10"), ElementsAre(0, 1));
  EXPECT_THAT(rows("nginx"), ElementsAre(0, 1));
  EXPECT_THAT(rows("python3"), ElementsAre(2, 3));
  EXPECT_THAT(rows("chrome"), ElementsAre(4)) << "the program, where a thread renamed the process";
  EXPECT_THAT(rows("ThreadPoolForeg"), ElementsAre(4));
  EXPECT_THAT(rows("unit:nginx"), ElementsAre(0, 1));
  EXPECT_THAT(rows("unit:nginx.service"), ElementsAre(0, 1));
  EXPECT_THAT(rows("cgroup:/user.slice"), ElementsAre(4));
}

TEST_F(Selecting, ByPortAndPathTakesDescriptors) {
  EXPECT_THAT(rows(":8080"), ElementsAre(0));
  EXPECT_THAT(rows("/run/log.sock"), ElementsAre(2));
  EXPECT_THAT(rows("@bus"), ElementsAre(3));
  EXPECT_THAT(rows("/var/log"), ElementsAre(1)) << "below it, not beside it";
  EXPECT_THAT(rows("/var/log/nginx/access.log"), ElementsAre(1));
}

TEST_F(Selecting, WithSeveralTakesTheUnionAndNamesTheOnesThatChoseNothing) {
  const Selection selection =
      select(b.survey, {parse_selector(":8080").value(), parse_selector("nginxx").value()});
  EXPECT_TRUE(selection.has_row(0));
  EXPECT_FALSE(selection.has_row(1));
  ASSERT_EQ(selection.unmatched.size(), 1u);
  EXPECT_EQ(selection.unmatched[0].text, "nginxx");
}

TEST_F(Selecting, WithNoneTakesEverything) {
  EXPECT_TRUE(select(b.survey, {}).has_row(4));
}

TEST_F(Selecting, HintsAtTheNearestNames) {
  const auto hints = [&](std::string_view text) {
    return nearest(b.survey, parse_selector(text).value());
  };
  EXPECT_THAT(hints("ngnix"), ElementsAre("nginx"));
  EXPECT_THAT(hints("pyhton3"), ElementsAre("python3"));
  EXPECT_THAT(hints(":808"), ElementsAre(":8080"));
  EXPECT_THAT(hints("unit:nginz"), ElementsAre("unit:nginx.service"));
  EXPECT_THAT(hints("/run/lag.sock"), ElementsAre("/run/log.sock"));
  EXPECT_THAT(hints("@buz"), ElementsAre("@bus"));
  EXPECT_THAT(hints("completely-else"), IsEmpty());
}

TEST(ParseSelector, RefusesWhatNamesNothing) {
  for (const char* text :
       {"", ":", ":0", ":65536", ":http", "unit:", "cgroup:", "0", "4294967296"}) {
    EXPECT_FALSE(parse_selector(text).ok()) << text;
  }
}

}  // namespace
}  // namespace plumb::detect
