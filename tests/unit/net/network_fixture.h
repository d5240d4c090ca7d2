// SPDX-License-Identifier: Apache-2.0
// What the tests of the net share: a loop with a network, and the demand that a test leaves the
// descriptors, tasks, timers and memory blocks as they were.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "plumb/net/network.h"

namespace plumb::runtime {

class NetworkTest : public testing::Test {
 protected:
  NetworkTest() {
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

  Loop& loop() { return *loop_; }
  Network& network() { return *network_; }

 private:
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<Network> network_;
};

// Reads until the peer has finished, or `most` bytes have come.
inline Task<Result<std::string>> read_all(Stream& stream, std::size_t most = SIZE_MAX) {
  std::string text;
  Buffer buffer = stream.buffer();
  while (text.size() < most) {
    const auto got = co_await stream.read(buffer);
    if (!got) co_return got.error();
    if (*got == 0) break;
    text.append(buffer.text());
    buffer.clear();
  }
  co_return text;
}

}  // namespace plumb::runtime
