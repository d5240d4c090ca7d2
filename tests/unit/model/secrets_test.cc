// SPDX-License-Identifier: Apache-2.0
#include "detect/model/secrets.h"

#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

TEST(SecretFields, KeepWhatTellsOfTheirKind) {
  const auto mask = [](std::string_view name, std::string_view value) {
    return masked_value(name, value, Secrets::kMask);
  };
  EXPECT_EQ(mask("Authorization", "Bearer abc"), "Bearer ***");
  EXPECT_EQ(mask("Proxy-Authorization", "abc"), "***");
  EXPECT_EQ(mask("Cookie", "a=1; b=2"), "a=***; b=***");
  EXPECT_EQ(mask("set-cookie", "sid=x; Path=/; HttpOnly"), "sid=***; Path=/; HttpOnly");
  EXPECT_EQ(mask("X-Api-Key", "k"), "***");
  EXPECT_EQ(mask("X-Auth-Token", "k"), "***");
  EXPECT_EQ(mask("Content-Type", "text/plain"), "text/plain");
  EXPECT_EQ(mask("Location", "https://u:p@h/?token=1"), "https://***@h/?token=***");
  EXPECT_EQ(masked_value("Authorization", "Bearer abc", Secrets::kShow), "Bearer abc");
}

TEST(SecretTargets, LoseTheValuesOfKeysAndTokens) {
  const auto mask = [](std::string_view target) { return masked_target(target, Secrets::kMask); };
  EXPECT_EQ(mask("/a?b=c&access_token=x&d"), "/a?b=c&access_token=***&d");
  EXPECT_EQ(mask("/a?X-Amz-Signature=1&key=2#f"), "/a?X-Amz-Signature=***&key=***#f");
  EXPECT_EQ(mask("http://user:pw@h/a@b"), "http://***@h/a@b");
  EXPECT_EQ(mask("/plain/token"), "/plain/token");
  EXPECT_EQ(mask("?"), "?");
}

}  // namespace
}  // namespace plumb::detect
