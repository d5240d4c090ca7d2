// SPDX-License-Identifier: Apache-2.0
// Connections of Go's HTTP client by the stack that forgot them.
#include <gtest/gtest.h>

#include "detect/finding/kinds.h"
#include "tests/unit/finding/story.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

class UnclosedHttpBody : public ::testing::Test {
 protected:
  UnclosedHttpBody() {
    for (const char* function : {"net/http.(*Client).Do", "main.checkImages", "main.main"}) {
      Frame frame;
      frame.kind = FrameKind::kGo;
      frame.function = function;
      frames_.push_back(stacks_.intern(frame));
    }
  }

  const Finding* find(std::size_t requests, GoConnectionState state) {
    GoHttpSite site;
    site.stack = stacks_.add(frames_);
    for (std::size_t i = 0; i < requests; ++i) {
      HeldRequest held;
      held.request.method = "GET";
      held.request.scheme = "http";
      held.request.host = "registry";
      held.request.path = "/v2/";
      held.request.query = "token=abc";
      held.request.version = version_;
      held.state = state;
      held.age = 20s;
      site.requests.push_back(held);
    }
    site.states[static_cast<std::size_t>(state)] = requests;
    leaks_.sites = {site};
    const GoHttpFacts facts{Pid{812}, leaks_, stacks_};
    const Story story([](SurveyBuilder& machine, int) { machine.process(812, "service", 1); });
    explanation_ = story.explain({}, {}, nullptr, {&facts, 1});
    return detect::find(explanation_, id::kUnclosedHttpBody);
  }

  StackStore stacks_;
  std::vector<FrameId> frames_;
  GoHttpLeaks leaks_;
  GoHttpVersion version_ = GoHttpVersion::kHttp1;
  Explanation explanation_;
};

TEST_F(UnclosedHttpBody, NamesTheRequestAndWhoMustCloseIt) {
  const Finding* finding = find(13, GoConnectionState::kBodyOpen);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::kWarning);
  EXPECT_TRUE(finding->summary.starts_with(
      "service(812) keeps 13 connections whose response was never closed: GET http://registry/v2/"))
      << finding->summary;
  EXPECT_EQ(finding->summary.find("abc"), std::string::npos);
  EXPECT_TRUE(finding->remedy.starts_with("main.checkImages")) << finding->remedy;
  ASSERT_FALSE(finding->evidence.empty());
  EXPECT_EQ(finding->evidence[0].value, "main.checkImages ← main.main");
}

TEST_F(UnclosedHttpBody, StreamsOfHttp2AreNoConnections) {
  version_ = GoHttpVersion::kHttp2;
  const Finding* finding = find(13, GoConnectionState::kBodyOpen);
  ASSERT_NE(finding, nullptr);
  EXPECT_TRUE(
      finding->summary.starts_with("service(812) keeps 13 streams of HTTP/2 whose response"))
      << finding->summary;
  EXPECT_FALSE(finding->measure);
}

TEST_F(UnclosedHttpBody, ASingleOneIsANote) {
  const Finding* finding = find(1, GoConnectionState::kBodyOpen);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::kInfo);
}

TEST_F(UnclosedHttpBody, ABodyThatIsBeingReadIsNone) {
  EXPECT_EQ(find(13, GoConnectionState::kBodyRead), nullptr);
  EXPECT_EQ(find(13, GoConnectionState::kNoAnswer), nullptr);
}

}  // namespace
}  // namespace plumb::detect
