// SPDX-License-Identifier: Apache-2.0
// What the tests of the web share: a loop, a network, a server that runs while a test's task does,
// a client that speaks raw bytes, and the demand that nothing is left afterwards.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "plumb/net/network.h"
#include "plumb/web/exchange.h"
#include "plumb/web/server.h"

namespace plumb::runtime {

class WebTest : public testing::Test {
 protected:
  WebTest() {
    auto made = Loop::create();
    EXPECT_TRUE(made.ok());
    loop_ = *std::move(made);
    network_ = std::make_unique<Network>(*loop_);
  }
  void TearDown() override {
    EXPECT_EQ(loop_->census(), Census{});
    EXPECT_EQ(network_->streams(), 0U);
    EXPECT_EQ(network_->blocks().lent(), 0U);
  }

  // Serves `routes` while `test` runs; then stops, and demands that all connections have ended.
  void serving(const std::function<Task<>(Server&, Address)>& test) {
    Server server(*network_, routes, options);
    auto listener = server.listen(Address::loopback(0), serve_options);
    ASSERT_TRUE(listener.ok()) << listener.error().message();
    const auto run = [&](Scope& scope) -> Task<> {
      const auto serve = [&]() -> Task<> {
        const auto served = co_await server.serve(**listener);
        EXPECT_TRUE(served.ok()) << served.error().message();
      };
      scope.start(serve);
      co_await test(server, *(*listener)->local());
      server.stop(std::chrono::seconds(5));
    };
    loop_->run(open_scope(run));
    EXPECT_EQ(server.connections(), 0U);
    last_counters = server.counters();
  }

  // Sends `request` on a connection of its own, reads until the server closes or `most` bytes came.
  Task<std::string> raw(Address address, std::string request, std::size_t most = SIZE_MAX) {
    auto stream = co_await network_->connect(address);
    EXPECT_TRUE(stream.ok());
    if (!stream) co_return "";
    [[maybe_unused]] const auto sent = co_await stream->write(request);
    co_return co_await read_text(*stream, most);
  }

  static Task<std::string> read_text(Stream& stream, std::size_t most = SIZE_MAX) {
    std::string text;
    Buffer buffer = stream.buffer();
    while (text.size() < most) {
      const auto got = co_await stream.read(buffer);
      if (!got || *got == 0) break;
      text.append(buffer.text());
      buffer.clear();
    }
    co_return text;
  }

  // A single exchange, as seen by a client who wants the connection closed behind it.
  std::string ask(const std::string& request) {
    std::string answer;
    serving([&](Server&, Address address) -> Task<> { answer = co_await raw(address, request); });
    return answer;
  }

  Loop& loop() { return *loop_; }
  Network& network() { return *network_; }

  Router routes;
  ServerOptions options;
  ServeOptions serve_options;
  ServerCounters last_counters;

 private:
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<Network> network_;
};

inline std::string get(std::string_view target, std::string_view more = "Connection: close\r\n") {
  std::string request("GET ");
  request.append(target).append(" HTTP/1.1\r\nHost: test\r\n").append(more).append("\r\n");
  return request;
}

inline std::string body_of(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  return end == std::string::npos ? "" : answer.substr(end + 4);
}

inline bool has_line(const std::string& answer, const std::string& line) {
  return answer.find("\r\n" + line + "\r\n") != std::string::npos;
}

}  // namespace plumb::runtime
