// SPDX-License-Identifier: Apache-2.0
// Methods, the forms of a request target, and the values that Host and Content-Length may have.
#include "http/target.h"

#include <gtest/gtest.h>

namespace plumb::http {
namespace {

TEST(Method, IsKnownByItsExactText) {
  const std::pair<std::string_view, Method> known[] = {
      {"GET", Method::kGet},         {"HEAD", Method::kHead},     {"POST", Method::kPost},
      {"PUT", Method::kPut},         {"DELETE", Method::kDelete}, {"CONNECT", Method::kConnect},
      {"OPTIONS", Method::kOptions}, {"TRACE", Method::kTrace},   {"PATCH", Method::kPatch}};
  for (const auto& [text, method] : known) EXPECT_EQ(method_of(text), method) << text;
  for (const std::string_view other :
       {"", "G", "get", "GETS", "PURGE", "SEARCH", "DELETED", "PROPFIND"}) {
    EXPECT_EQ(method_of(other), Method::kOther) << other;
  }
}

TEST(Host, IsANameOrAnAddressWithAnOptionalPort) {
  for (const std::string_view good : {"", "a", "a.example", "127.0.0.1:80", "a:", "[::1]",
                                      "[::1]:8080", "[v1.x]", "x_y~z", "%41", "a:65535"}) {
    EXPECT_TRUE(is_host(good)) << good;
  }
  for (const std::string_view bad : {":80", "a:b", "a:123456", "a b", "a/", "u@a", "[::1", "[]",
                                     "[::1]x", "a,b c", "[::1/]", "a:80:80", "\xc3\xa9"}) {
    EXPECT_FALSE(is_host(bad)) << bad;
  }
}

TEST(Target, HasTheFormThatItsMethodAllows) {
  for (const std::string_view good : {"/", "/a?b", "http://a", "http://a/b", "coap+tcp://a"}) {
    EXPECT_TRUE(target_fits(Method::kGet, good)) << good;
  }
  for (const std::string_view bad : {"a", "*", "http:/a", "http://", "://a", "1a://b", "?a"}) {
    EXPECT_FALSE(target_fits(Method::kGet, bad)) << bad;
  }
  EXPECT_TRUE(target_fits(Method::kOptions, "*"));
  for (const std::string_view good : {"a:443", "[::1]:443"})
    EXPECT_TRUE(target_fits(Method::kConnect, good)) << good;
  for (const std::string_view bad : {"a", "a:", ":443", "/", "http://a:443", "a:443/"}) {
    EXPECT_FALSE(target_fits(Method::kConnect, bad)) << bad;
  }
}

TEST(FramingFields, KeepTheWorstThatContentLengthSays) {
  const auto fault_of = [](std::initializer_list<std::string_view> values) {
    FramingFields fields;
    for (const std::string_view value : values) fields.add("Content-Length", value);
    return judge_request(fields, Version::kHttp11, Method::kPost).fault;
  };
  EXPECT_EQ(fault_of({"0"}), std::nullopt);
  EXPECT_EQ(fault_of({"9223372036854775807"}), std::nullopt);
  EXPECT_EQ(fault_of({"9223372036854775808"}), Fault::kContentLengthOverflow);
  EXPECT_EQ(fault_of({"5", "5"}), Fault::kRepeatedContentLength);
  EXPECT_EQ(fault_of({"5", "05"}), Fault::kRepeatedContentLength);
  EXPECT_EQ(fault_of({"5", "5", "6"}), Fault::kConflictingContentLength);
  EXPECT_EQ(fault_of({"5", "5", "x"}), Fault::kBadContentLength);
  EXPECT_EQ(fault_of({"5,,5"}), Fault::kBadContentLength);
  EXPECT_EQ(fault_of({",5"}), Fault::kBadContentLength);
}

}  // namespace
}  // namespace plumb::http
