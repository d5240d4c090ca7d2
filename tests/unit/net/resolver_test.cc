// SPDX-License-Identifier: Apache-2.0
// Names: numbers without a lookup, the hosts file, absence, cancellation.
#include "plumb/net/resolver.h"

#include "network_fixture.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;
using ResolverTest = NetworkTest;

TEST_F(ResolverTest, GivesNumbersBackAndFindsLocalhost) {
  loop().run([]() -> Task<> {
    Resolver resolver;
    const auto four = co_await resolver.resolve("127.0.0.1", 80);
    EXPECT_TRUE(four && four->size() == 1 && four->front().text() == "127.0.0.1:80");
    const auto six = co_await resolver.resolve("::1", 80);
    EXPECT_TRUE(six && six->front().text() == "[::1]:80");
    const auto named = co_await resolver.resolve("localhost", 81);
    EXPECT_TRUE(named && !named->empty() && named->front().port() == 81);
  }());
}

TEST_F(ResolverTest, ANameThatCannotBeIsAnError) {
  loop().run([]() -> Task<> {
    Resolver resolver;
    const auto none = co_await resolver.resolve("..", 80);
    EXPECT_FALSE(none);
    EXPECT_EQ(none.error().object, "..");
  }());
}

TEST_F(ResolverTest, ACancelledCallerGoesAtOnceAndTheAnswerIsDropped) {
  loop().run([]() -> Task<> {
    Resolver resolver;
    co_await open_scope([&](Scope& scope) -> Task<> {
      for (int i = 0; i < 3; ++i) {
        scope.start([](Resolver& with) -> Task<> {
          const auto found = co_await with.resolve("localhost", 80);
          EXPECT_EQ(found.error().code, ECANCELED);
        }(resolver));
      }
      scope.cancel();
      co_return;
    });
  }());
}

}  // namespace
}  // namespace plumb::runtime
