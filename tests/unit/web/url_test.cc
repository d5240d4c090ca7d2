// SPDX-License-Identifier: Apache-2.0
#include "plumb/web/url.h"

#include <gtest/gtest.h>

#include <map>

#include "plumb/web/proxy_settings.h"

namespace plumb::runtime {
namespace {

std::string resolved(const char* base, const char* reference) {
  const auto url = Url::parse(base)->resolve(reference);
  return url ? url->text() : "error";
}

TEST(Url, Parts) {
  const auto url = Url::parse("HTTPS://user:p%40ss@Example.ORG:8443/a/b?q=1#part");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->scheme, Scheme::kHttps);
  EXPECT_EQ(url->host, "example.org");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->target, "/a/b?q=1");
  EXPECT_EQ(url->user_info, "user:p@ss");
  EXPECT_EQ(url->text(), "https://example.org:8443/a/b?q=1");
  EXPECT_EQ(Url::parse("http://a")->target, "/");
  EXPECT_EQ(Url::parse("http://a?x")->target, "/?x");
  EXPECT_EQ(Url::parse("http://[::1]:81/")->host, "::1");
  EXPECT_EQ(Url::parse("http://[::1]:81/")->authority(), "[::1]:81");
  EXPECT_EQ(Url::parse("https://a:443/")->authority(), "a");
  EXPECT_EQ(Url::parse("https://a")->origin(), "https://a:443");
}

TEST(Url, WhatIsNone) {
  for (const char* text : {"", "a", "ftp://a", "http://", "http:///x", "http://a b/", "http://a:0/",
                           "http://a:65536/", "http://a:x/", "http://[::1/", "http://a/\r\nx",
                           "http:/a", "https", "http://a\\b/", "http://%zz@a/"}) {
    EXPECT_FALSE(Url::parse(text).ok()) << text;
  }
}

// Of RFC 3986 section 5.4, what http knows.
TEST(Url, References) {
  const char* const base = "http://a/b/c/d;p?q";
  const std::map<std::string, std::string> table = {
      {"http://g/h", "http://g/h"}, {"g", "http://a/b/c/g"},     {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},    {"/g", "http://a/g"},        {"//g", "http://g/"},
      {"?y", "http://a/b/c/d;p?y"}, {"g?y", "http://a/b/c/g?y"}, {"g#s", "http://a/b/c/g"},
      {"", "http://a/b/c/d;p?q"},   {".", "http://a/b/c/"},      {"..", "http://a/b/"},
      {"../g", "http://a/b/g"},     {"../..", "http://a/"},      {"../../g", "http://a/g"},
      {"../../../g", "http://a/g"}, {"/./g", "http://a/g"},      {"/../g", "http://a/g"},
      {"g/../h", "http://a/b/c/h"}, {"mailto:x", "error"},       {"g y", "error"},
  };
  for (const auto& [reference, expected] : table) {
    EXPECT_EQ(resolved(base, reference.c_str()), expected) << reference;
  }
}

TEST(ProxySettings, FromVariables) {
  std::map<std::string, std::string> variables = {
      {"http_proxy", "proxy:3128"},
      {"HTTPS_PROXY", "http://u:p@secure:8080"},
      {"no_proxy", "localhost, .example.org,10.0.0.1, other:8080"},
      {"HTTP_PROXY", "http://attacker"},
  };
  const auto lookup = [&](const char* name) -> const char* {
    const auto it = variables.find(name);
    return it == variables.end() ? nullptr : it->second.c_str();
  };
  const auto settings = ProxySettings::from(lookup);
  ASSERT_TRUE(settings.ok());
  const auto proxy = [&](const char* url) {
    const Url* found = settings->proxy_for(*Url::parse(url));
    return found == nullptr ? std::string("direct") : found->origin();
  };
  EXPECT_EQ(proxy("http://a/"), "http://proxy:3128");
  EXPECT_EQ(proxy("https://a/"), "http://secure:8080");
  for (const char* direct : {"http://localhost/", "http://example.org/", "https://www.example.org/",
                             "http://10.0.0.1/", "http://other:8080/"}) {
    EXPECT_EQ(proxy(direct), "direct") << direct;
  }
  EXPECT_NE(proxy("http://badexample.org/"), "direct");
  EXPECT_NE(proxy("http://other:81/"), "direct");
  variables["no_proxy"] = "*";
  EXPECT_EQ(ProxySettings::from(lookup)->proxy_for(*Url::parse("http://a/")), nullptr);
  variables["http_proxy"] = "socks5://a";
  EXPECT_FALSE(ProxySettings::from(lookup).ok());
  variables.clear();
  variables["HTTP_PROXY"] = "http://attacker";
  EXPECT_EQ(ProxySettings::from(lookup)->proxy_for(*Url::parse("http://a/")), nullptr);
}

}  // namespace
}  // namespace plumb::runtime
