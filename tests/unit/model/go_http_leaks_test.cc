// SPDX-License-Identifier: Apache-2.0
// Requests joined with the goroutines of their connections.
#include "detect/model/go_http_leaks.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr BootTime kNow{100s};

class GoHttp : public testing::Test {
 protected:
  GoHttp() { snapshot_.wait_reasons = {"", "select", "IO wait"}; }

  void sent(std::uint64_t connection, std::chrono::nanoseconds age, const char* by = "main.f") {
    GoRequest request;
    request.connection = Address{connection};
    request.sent = kNow - age;
    requests_.push_back(request);
    Frame frame;
    frame.function = by;
    const FrameId id = snapshot_.stacks.intern(frame);
    stacks_.push_back(snapshot_.stacks.add(std::span(&id, 1)));
  }
  void goroutine(GoHttpCall call, std::uint64_t connection, std::uint8_t reason,
                 std::uint64_t id = 0) {
    Goroutine one;
    one.state = GoroutineState::kWaiting;
    one.reason = reason;
    const auto named = std::ranges::find(kGoHttpFunctions, call, &GoHttpFunction::call);
    one.call =
        Goroutine::Call{static_cast<std::uint8_t>(named - kGoHttpFunctions.begin()), connection};
    one.id = GoroutineId{id};
    snapshot_.goroutines.push_back(one);
  }
  GoHttpLeaks find() { return find_go_http_leaks(requests_, stacks_, snapshot_, kNow, 5s); }
  GoConnectionState state_of_only() {
    const GoHttpLeaks leaks = find();
    return leaks.sites.at(0).requests.at(0).state;
  }

  GoroutineSnapshot snapshot_;
  std::vector<GoRequest> requests_;
  std::vector<StackNode> stacks_;
};

TEST_F(GoHttp, ABodyThatNobodyReadsIsOpen) {
  sent(0x1000, 10s);
  goroutine(GoHttpCall::kReadLoop, 0x1000, 1);
  EXPECT_EQ(state_of_only(), GoConnectionState::kBodyOpen);
}

TEST_F(GoHttp, ABodyThatIsReadIsNone) {
  sent(0x1000, 10s);
  goroutine(GoHttpCall::kReadLoop, 0x1000, 1);
  goroutine(GoHttpCall::kRead, 0x1000, 2);
  EXPECT_EQ(state_of_only(), GoConnectionState::kBodyRead);
}

TEST_F(GoHttp, ACallerThatWaitsIsNone) {
  sent(0x1000, 10s);
  goroutine(GoHttpCall::kReadLoop, 0x1000, 2);
  goroutine(GoHttpCall::kRoundTrip, 0x1000, 1);
  EXPECT_EQ(state_of_only(), GoConnectionState::kNoAnswer);
}

TEST_F(GoHttp, AConnectionAtRestIsIdleAndHeldByNobody) {
  sent(0x1000, 10s);
  goroutine(GoHttpCall::kReadLoop, 0x1000, 2);
  sent(0x2000, 2s);
  goroutine(GoHttpCall::kReadLoop, 0x2000, 2);
  const GoHttpLeaks leaks = find();
  EXPECT_TRUE(leaks.sites.empty());
  EXPECT_EQ(leaks.younger, 0u);
  ASSERT_EQ(leaks.idle.size(), 1u);
  EXPECT_EQ(leaks.idle[0].connections, 1u) << "the other one may be used again in a moment";
}

TEST_F(GoHttp, WithoutItsGoroutineNothingIsKnown) {
  sent(0x1000, 10s);
  EXPECT_EQ(state_of_only(), GoConnectionState::kUnknown);
  requests_[0].version = GoHttpVersion::kHttp2;
  goroutine(GoHttpCall::kReadLoop, 0x1000, 1);
  EXPECT_EQ(state_of_only(), GoConnectionState::kUnknown) << "a stream is no connection";
}

TEST_F(GoHttp, AStreamIsOpenUntilItsGoroutineEnds) {
  sent(0x1000, 10s);
  requests_[0].version = GoHttpVersion::kHttp2;
  requests_[0].goroutine = GoroutineId{33};
  goroutine(GoHttpCall::kStream, 0x1000, 1, 40);
  EXPECT_EQ(state_of_only(), GoConnectionState::kBodyOpen);
  goroutine(GoHttpCall::kStreamTrip, 0x7777, 1, 34);
  EXPECT_EQ(state_of_only(), GoConnectionState::kBodyOpen) << "another goroutine's request";
  goroutine(GoHttpCall::kStreamRead, 0x1000 - 56, 0, 41);
  EXPECT_EQ(state_of_only(), GoConnectionState::kBodyOpen) << "of the stream before";
  goroutine(GoHttpCall::kStreamRead, 0x1000 + 56, 0, 41);
  EXPECT_EQ(state_of_only(), GoConnectionState::kBodyRead);
  goroutine(GoHttpCall::kStreamTrip, 0x7777, 1, 33);
  EXPECT_EQ(state_of_only(), GoConnectionState::kNoAnswer);
}

TEST_F(GoHttp, TheYoungAreCountedOnly) {
  sent(0x1000, 2s);
  const GoHttpLeaks leaks = find();
  EXPECT_TRUE(leaks.sites.empty());
  EXPECT_EQ(leaks.younger, 1u);
}

TEST_F(GoHttp, SitesAreSortedByWhatMayBeLeaked) {
  sent(0x1000, 10s, "main.slow");
  sent(0x2000, 20s, "main.slow");
  goroutine(GoHttpCall::kRoundTrip, 0x1000, 1);
  goroutine(GoHttpCall::kRoundTrip, 0x2000, 1);
  sent(0x3000, 10s, "main.leaks");
  goroutine(GoHttpCall::kReadLoop, 0x3000, 1);
  const GoHttpLeaks leaks = find();
  ASSERT_EQ(leaks.sites.size(), 2u);
  EXPECT_EQ(leaks.sites[0].stack, stacks_[2]);
  EXPECT_EQ(leaks.sites[1].requests[0].age, 20s) << "oldest first";
}

TEST_F(GoHttp, OpenBodiesWithoutARequestAreFromBefore) {
  goroutine(GoHttpCall::kReadLoop, 0x9000, 1);
  snapshot_.goroutines.back().waited = 3min;
  goroutine(GoHttpCall::kReadLoop, 0xa000, 2);  // an idle connection
  GoHttpLeaks leaks = find();
  EXPECT_EQ(leaks.before, 1u);
  EXPECT_EQ(leaks.before_longest, 3min);
  sent(0x1000, 10s);
  EXPECT_EQ(find().before, 0u) << "no pointer fits any request: none can be told from another";
  goroutine(GoHttpCall::kReadLoop, 0x1000, 1);
  EXPECT_EQ(find().before, 1u);
}

TEST(GoRequestLine, MasksTheValuesOfAQuery) {
  GoRequest request;
  request.scheme = "https";
  request.host = "h:1";
  request.path = "/p";
  request.query = "a=1&token=hush&bare&=x";
  EXPECT_EQ(request_line(request, Secrets::kMask), "GET https://h:1/p?a=…&token=…&…&=…");
  EXPECT_EQ(request_line(request, Secrets::kShow), "GET https://h:1/p?a=1&token=hush&bare&=x");
  request.method = "POST";
  request.query.clear();
  request.shortened = true;
  EXPECT_EQ(request_line(request, Secrets::kMask), "POST https://h:1/p…");
}

}  // namespace
}  // namespace plumb::detect
