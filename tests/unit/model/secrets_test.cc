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

TEST(MaskedText, HidesWhatKeysPromise) {
  EXPECT_EQ(masked_text("curl -H 'Authorization: Bearer abc' http://x/"),
            "curl -H 'Authorization: ***' http://x/");
  EXPECT_EQ(masked_text("curl http://x/?api_key=abc&q=1"), "curl http://x/?api_key=***&q=1");
  EXPECT_EQ(masked_text("psql postgres://joe:secret@db/x"), "psql postgres://***@db/x");
  EXPECT_EQ(masked_text("tool --password hunter2 file"), "tool --password *** file");
  EXPECT_EQ(masked_text("tool --token=abc"), "tool --token=***");
  EXPECT_EQ(masked_text("-H Cookie:sid=1"), "-H Cookie:***");
  EXPECT_EQ(masked_text("curl -H \"X-Auth-Key: a b\" http://x/?key=abc&sig=d"),
            "curl -H \"X-Auth-Key: ***\" http://x/?key=***&sig=***");
  EXPECT_EQ(masked_text("tool --api-key 'a b' --no-auth run"), "tool --api-key *** --no-auth run");
  EXPECT_EQ(masked_text("env DB_PASSWORD=abc tool"), "env DB_PASSWORD=*** tool");
  EXPECT_EQ(masked_text("tool --token"), "tool --token");
  EXPECT_EQ(masked_text("tool --secret 'abc"), "tool --secret ***");
}

TEST(MaskedText, LeavesOtherWordsAlone) {
  EXPECT_EQ(masked_text("vim cookies.txt"), "vim cookies.txt");
  EXPECT_EQ(masked_text("curl http://host/a@b"), "curl http://host/a@b");
  EXPECT_EQ(masked_text("ssh joe@host  -p 22"), "ssh joe@host  -p 22");
  EXPECT_EQ(masked_text("gunicorn auth:app --workers=4 "), "gunicorn auth:app --workers=4 ");
  EXPECT_EQ(masked_text(""), "");
}

}  // namespace
}  // namespace plumb::detect
