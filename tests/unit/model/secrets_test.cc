// SPDX-License-Identifier: Apache-2.0
#include "detect/model/secrets.h"

#include <gtest/gtest.h>

#include <string>

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
  EXPECT_EQ(mask("Location", "/done#state=1&access_token=x"), "/done#state=1&access_token=***");
  EXPECT_EQ(mask("Link", "<https://h/?page=2&api_key=k>; rel=next"),
            "<https://h/?page=2&api_key=***; rel=next");
  EXPECT_EQ(mask("X-Auth-Key", "k"), "***");
  EXPECT_EQ(mask("Ocp-Apim-Subscription-Key", "k"), "***");
  EXPECT_EQ(mask("Sec-WebSocket-Key", "dGhl"), "dGhl");
  EXPECT_EQ(mask("WWW-Authenticate", "Negotiate YII"), "Negotiate ***");
  EXPECT_EQ(mask("WWW-Authenticate", "Basic realm=\"a\""), "Basic realm=\"a\"");
  EXPECT_EQ(mask("User-Agent", "bot/1.0 (+http://h/bot.html)"), "bot/1.0 (+http://h/bot.html)");
  EXPECT_EQ(masked_value("Authorization", "Bearer abc", Secrets::kShow), "Bearer abc");
}

TEST(SecretFields, KeepNoFirstWordThatMayBeTheSecret) {
  const auto mask = [](std::string_view value) {
    return masked_value("Authorization", value, Secrets::kMask);
  };
  EXPECT_EQ(mask("AWS4-HMAC-SHA256 Credential=a, Signature=b"), "AWS4-HMAC-SHA256 ***");
  EXPECT_EQ(mask("key=hunter2 x"), "***");
  EXPECT_EQ(mask("0123456789abcdef0123456789abcdef and more"), "***");
}

TEST(SecretTargets, LoseTheValuesOfKeysAndTokens) {
  const auto mask = [](std::string_view target) { return masked_target(target, Secrets::kMask); };
  EXPECT_EQ(mask("/a?b=c&access_token=x&d"), "/a?b=c&access_token=***&d");
  EXPECT_EQ(mask("/a?X-Amz-Signature=1&key=2#f"), "/a?X-Amz-Signature=***&key=***#f");
  EXPECT_EQ(mask("http://user:pw@h/a@b"), "http://***@h/a@b");
  EXPECT_EQ(mask("/plain/token"), "/plain/token");
  EXPECT_EQ(mask("?"), "?");
  EXPECT_EQ(mask("/a?token=x&to=http://u:p@h/"), "/a?token=***&to=***");
  EXPECT_EQ(mask("/page;jsessionid=x?a=b"), "/page;jsessionid=***?a=b");
  EXPECT_EQ(mask("user:pw@h:443"), "***@h:443");
  EXPECT_EQ(mask("h:443"), "h:443");
  EXPECT_EQ(mask("/a@b?c=d@e.f"), "/a@b?c=d@e.f");
  EXPECT_EQ(mask("/?tok%65n=x"), "/?tok%65n=***");
}

TEST(SecretTargets, AreLookedIntoWhereAUrlStandsInAUrl) {
  const auto mask = [](std::string_view target) { return masked_target(target, Secrets::kMask); };
  EXPECT_EQ(mask("/login?next=%2Fa%3Ftoken%3Dx&b=c"), "/login?next=***&b=c");
  EXPECT_EQ(mask("/login?next=%252Fa%253Ftoken%253Dx"), "/login?next=***");
  EXPECT_EQ(mask("/login?next=http%3A%2F%2Fu%3Ap%40h%2F"), "/login?next=***");
  EXPECT_EQ(mask("/login?next=%2Fa%3Fpage%3D2"), "/login?next=%2Fa%3Fpage%3D2");
  const std::string deep(20'000, '=');
  EXPECT_EQ(mask("/?a" + deep), "/?a" + deep);
}

}  // namespace
}  // namespace plumb::detect
