// SPDX-License-Identifier: Apache-2.0
#include "plumb/web/router.h"

#include <gtest/gtest.h>

#include "web_fixture.h"

namespace plumb::runtime {
namespace {

// Routes through a whole server, as requests are made by servers only.
class RouterTest : public WebTest {
 protected:
  void echo(const std::string& pattern, const std::string& parameter = "") {
    routes.get(pattern, [=](const Request& request) {
      return Response::text(pattern + "|" + std::string(request.parameter(parameter)));
    });
  }
};

TEST_F(RouterTest, LiteralsBeforeParametersBeforeTheRest) {
  echo("/");
  echo("/users/{id}", "id");
  echo("/users/me");
  echo("/users/{id}/posts/{post}", "post");
  echo("/users/me/{rest...}", "rest");
  echo("/{rest...}", "rest");
  EXPECT_EQ(body_of(ask(get("/"))), "/|");
  EXPECT_EQ(body_of(ask(get("/users/7"))), "/users/{id}|7");
  EXPECT_EQ(body_of(ask(get("/users/me"))), "/users/me|");
  EXPECT_EQ(body_of(ask(get("/users/7/posts/9?x=1"))), "/users/{id}/posts/{post}|9");
  EXPECT_EQ(body_of(ask(get("/users/me/a/b"))), "/users/me/{rest...}|a/b");
  EXPECT_EQ(body_of(ask(get("/users/"))), "/{rest...}|users/");
  EXPECT_EQ(body_of(ask(get("/users/7/photos"))), "/{rest...}|users/7/photos");
}

TEST_F(RouterTest, SegmentsAreDecodedOneByOne) {
  echo("/files/{name}", "name");
  echo("/a b");
  EXPECT_EQ(body_of(ask(get("/files/a%2Fb%20c"))), "/files/{name}|a/b c");
  EXPECT_EQ(body_of(ask(get("/a%20b"))), "/a b|");
  EXPECT_TRUE(ask(get("/files/%zz")).starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(ask(get("/files/%00")).starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(ask(get("/files/../etc")).starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(ask(get("/files/%2e%2e")).starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(ask(get("http://test/files/x")).starts_with("HTTP/1.1 200 "));
}

TEST_F(RouterTest, WhatNoRouteAnswers) {
  echo("/here");
  routes.post("/here", [](const Request&) { return Response::text("posted"); });
  EXPECT_TRUE(ask(get("/there")).starts_with("HTTP/1.1 404 "));
  const std::string refused =
      ask("DELETE /here HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 405 "));
  EXPECT_TRUE(has_line(refused, "Allow: GET, POST, HEAD, OPTIONS"));
  const std::string asked =
      ask("OPTIONS /here HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(asked.starts_with("HTTP/1.1 204 "));
  EXPECT_TRUE(has_line(asked, "Allow: GET, POST, HEAD, OPTIONS"));
  EXPECT_TRUE(ask("OPTIONS * HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
                  .starts_with("HTTP/1.1 204 "));
}

TEST_F(RouterTest, HeadIsGetWithoutItsBody) {
  routes.get("/text", [](const Request&) { return Response::text("hello\n"); });
  const std::string answer = ask("HEAD /text HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(has_line(answer, "Content-Length: 6"));
  EXPECT_EQ(body_of(answer), "");
}

TEST_F(RouterTest, Queries) {
  routes.get("/q", [](const Request& request) {
    return Response::text(request.query_value("name").value_or("none"));
  });
  EXPECT_EQ(body_of(ask(get("/q?a=1&name=x+y%21&name=z"))), "x y!");
  EXPECT_EQ(body_of(ask(get("/q?named=x"))), "none");
  EXPECT_EQ(body_of(ask(get("/q?name"))), "");
  EXPECT_EQ(body_of(ask(get("/q?name=%zz"))), "none");
}

TEST(Router, RefusesPatternsThatMakeNoSense) {
  const auto handler = [](const Request&) { return Response(); };
  const auto verdict = [&](std::initializer_list<const char*> patterns) {
    Router routes;
    for (const char* pattern : patterns) routes.get(pattern, handler);
    return routes.verdict().ok() ? 0 : routes.verdict().error().code;
  };
  EXPECT_EQ(verdict({"/a", "/a/", "/a/{b}", "/a/{b...}", "/"}), 0);
  EXPECT_EQ(verdict({"a"}), EINVAL);
  EXPECT_EQ(verdict({"/a{b}"}), EINVAL);
  EXPECT_EQ(verdict({"/{}"}), EINVAL);
  EXPECT_EQ(verdict({"/{...}"}), EINVAL);
  EXPECT_EQ(verdict({"/{a...}/b"}), EINVAL);
  EXPECT_EQ(verdict({"/{a}", "/{b}"}), EEXIST);
  EXPECT_EQ(verdict({"/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}"}), EINVAL);
}

}  // namespace
}  // namespace plumb::runtime
