// SPDX-License-Identifier: Apache-2.0
// Frames over sockets, by coroutines and by callbacks: every split on the wire; a peer that ends,
// resets or stalls at every byte; backpressure; limits.
#include "plumb/net/frame_stream.h"

#include <vector>

#include "network_fixture.h"
#include "plumb/net/frame_server.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;
using FrameStreamTest = NetworkTest;

const std::string kWire("\0\0\0\5hello\0\0\0\0\0\0\0\3you", 20);
const std::vector<std::string> kFrames = {"hello", "", "you"};

struct Heard {
  std::vector<std::string> frames;
  int error = 0;
};

Task<> hear(Stream stream, Heard& heard) {
  FrameStream frames(std::move(stream), LengthPrefixed{});
  for (;;) {
    const auto frame = co_await frames.receive();
    if (!frame) {
      heard.error = frame.error().code;
      co_return;
    }
    if (!*frame) co_return;
    heard.frames.emplace_back(text_of(**frame));
  }
}

Task<> callback_hear(Stream stream, Heard& heard) {
  const LengthPrefixed codec;
  auto on_frame = [&](Bytes frame, Replies&) { heard.frames.emplace_back(text_of(frame)); };
  const auto ended = co_await converse(std::move(stream), codec, on_frame);
  if (!ended) heard.error = ended.error().code;
}

enum class Then { kFinish, kReset, kStall };

// Says the first `count` bytes, lets them arrive, says the next up to `until`, then ends so.
template <typename Hear>
Task<Heard> conversation(Network& net, Hear hearing, std::size_t count, std::size_t until,
                         Then then) {
  auto listener = net.listen(Address::loopback(0));
  auto client = co_await net.connect(*(*listener)->local());
  auto served = co_await (*listener)->accept();
  EXPECT_TRUE(client && served);
  Heard heard;
  co_await open_scope(Ending::kJoin, [&](Scope& scope) -> Task<> {
    scope.start(hearing(*std::move(served), heard));
    EXPECT_TRUE(co_await client->write(kWire.substr(0, count)));
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(co_await yield());
    EXPECT_TRUE(co_await client->write(kWire.substr(count, until - count)));
    if (then == Then::kFinish) client->close();
    if (then == Then::kReset) {
      EXPECT_TRUE(co_await sleep(1ms));
      client->abort();
    }
    if (then == Then::kStall) {
      EXPECT_TRUE(co_await sleep(1ms));
      scope.cancel(ETIMEDOUT);
    }
  });
  co_return heard;
}

std::vector<std::string> frames_within(std::size_t bytes) {
  std::vector<std::string> frames;
  std::size_t end = 0;
  for (const auto& frame : kFrames) {
    end += 4 + frame.size();
    if (end <= bytes) frames.push_back(frame);
  }
  return frames;
}

TEST_F(FrameStreamTest, AreTheSameAtEverySplitOnTheWire) {
  for (std::size_t split = 0; split <= kWire.size(); ++split) {
    SCOPED_TRACE(split);
    for (auto* face : {&hear, &callback_hear}) {
      const auto heard =
          loop().run(conversation(network(), face, split, kWire.size(), Then::kFinish));
      EXPECT_EQ(heard.frames, kFrames);
      EXPECT_EQ(heard.error, 0);
      EXPECT_EQ(loop().census(), Census{});
    }
  }
}

TEST_F(FrameStreamTest, EndAsThePeerEndedAtEveryByte) {
  const auto at_boundary = [](std::size_t bytes) {
    std::size_t end = 0;
    bool found = bytes == 0;
    for (const auto& frame : kFrames) found |= bytes == (end += 4 + frame.size());
    return found;
  };
  for (std::size_t bytes = 0; bytes <= kWire.size(); ++bytes) {
    for (const auto then : {Then::kFinish, Then::kReset, Then::kStall}) {
      SCOPED_TRACE(std::to_string(bytes) + " bytes, then " +
                   std::to_string(static_cast<int>(then)));
      for (auto* face : {&hear, &callback_hear}) {
        const auto heard = loop().run(conversation(network(), face, bytes / 2, bytes, then));
        EXPECT_EQ(heard.frames, frames_within(bytes));
        const int finished = at_boundary(bytes) ? 0 : EPROTO;
        EXPECT_EQ(heard.error, then == Then::kFinish  ? finished
                               : then == Then::kReset ? ECONNRESET
                                                      : ETIMEDOUT);
        EXPECT_EQ(loop().census(), Census{});
        EXPECT_EQ(network().blocks().lent(), 0U);
      }
    }
  }
}

TEST_F(FrameStreamTest, ComeBackFromACallbackServerTenThousandTimes) {
  loop().run([](Network& net) -> Task<> {
    auto listener = net.listen(Address::loopback(0));
    co_await open_scope(Ending::kCancel, [&](Scope& scope) -> Task<> {
      scope.start([](Listener& on) -> Task<> {
        const auto echo = [](Bytes frame, Replies& replies) { replies.send(frame); };
        const auto served = co_await serve_frames(on, LengthPrefixed{}, echo);
        EXPECT_EQ(served.error().code, ECANCELED);
      }(**listener));
      auto client = co_await net.connect(*(*listener)->local());
      FrameStream frames(*std::move(client), LengthPrefixed{});
      for (int i = 0; i < 10'000; ++i) {
        const std::string text = std::to_string(i);
        EXPECT_TRUE(co_await frames.send(bytes_of(text)));
        const auto back = co_await frames.receive();
        EXPECT_TRUE(back && *back && text_of(**back) == text);
        if (!back || !*back) break;
      }
    });
  }(network()));
}

// A client that asks for much and reads nothing: the server stops reading, then goes on.
TEST_F(FrameStreamTest, BackpressureStopsReadingAndLosesNothing) {
  loop().run([](Network& net) -> Task<> {
    auto ends = net.pair();
    constexpr std::size_t kCount = 20'000;
    std::size_t called = 0;
    FrameStream frames(std::move(ends->second), LengthPrefixed{});
    co_await open_scope(Ending::kCancel, [&](Scope& scope) -> Task<> {
      scope.start([](Stream stream, std::size_t& calls) -> Task<> {
        const LengthPrefixed codec;
        const std::string big(1000, 'x');
        auto on_frame = [&](Bytes, Replies& replies) {
          ++calls;
          replies.send(bytes_of(big));
        };
        EXPECT_TRUE(co_await converse(std::move(stream), codec, on_frame));
      }(std::move(ends->first), called));
      scope.start([](FrameStream<LengthPrefixed>& asking) -> Task<> {
        for (std::size_t i = 0; i < kCount; ++i) {
          EXPECT_TRUE(co_await asking.send(bytes_of("ask")));
        }
        EXPECT_TRUE(co_await asking.stream().finish());
      }(frames));
      EXPECT_TRUE(co_await sleep(20ms));
      EXPECT_LT(called, kCount);
      EXPECT_LE(net.blocks().lent(), 8U);
      std::size_t answers = 0;
      for (;;) {
        const auto frame = co_await frames.receive();
        EXPECT_TRUE(frame);
        if (!frame || !*frame) break;
        ++answers;
      }
      EXPECT_EQ(answers, kCount);
    });
  }(network()));
}

// Holds on a machine of any speed: however late the talker is, the conversation may end only when
// the limit has passed since he last spoke.
TEST_F(FrameStreamTest, APeerIsGivenUpWhenHeHasBeenSilentForTheLimitNotBefore) {
  static constexpr auto kLimit = 40ms;
  loop().run([](Network& net) -> Task<> {
    auto ends = net.pair();
    auto spoke = Loop::Clock::now();
    bool over = false;
    co_await open_scope([&](Scope& scope) -> Task<> {
      scope.start([](Stream stream, Loop::Clock::time_point& last, bool& ended) -> Task<> {
        const Delimited codec;
        auto on_frame = [](Bytes, Replies&) {};
        const auto outcome =
            co_await converse(std::move(stream), codec, on_frame, {.silence = kLimit});
        EXPECT_EQ(outcome.error().code, ETIMEDOUT);
        EXPECT_GE(Loop::Clock::now() - last, kLimit);
        ended = true;
      }(std::move(ends->first), spoke, over));
      for (int i = 0; i < 20 && !over; ++i) {
        EXPECT_TRUE(co_await sleep(kLimit / 8));
        if (over || Loop::Clock::now() - spoke >= kLimit) break;  // a machine that stood still
        spoke = Loop::Clock::now();
        EXPECT_TRUE(co_await ends->second.write("still here\n"));
      }
      EXPECT_TRUE((co_await read_all(ends->second)).ok());
    });
    EXPECT_TRUE(over);
  }(network()));
}

TEST_F(FrameStreamTest, AReplyThatCannotBeFramedAndAFinishEndTheConversation) {
  loop().run([](Network& net) -> Task<> {
    for (const bool finish : {true, false}) {
      auto ends = net.pair();
      EXPECT_TRUE(co_await ends->second.write("1\n2\n3\n"));
      const Delimited codec;
      auto on_frame = [&](Bytes frame, Replies& replies) {
        replies.send(finish ? frame : bytes_of("two\nlines"));
        if (finish) replies.finish();
      };
      const auto ended = co_await converse(std::move(ends->first), codec, on_frame);
      EXPECT_EQ(ended.ok(), finish);
      const auto heard = co_await read_all(ends->second, 2);
      if (finish) {
        EXPECT_TRUE(heard && *heard == "1\n");
      }
    }
  }(network()));
}

TEST_F(FrameStreamTest, AnOversizedFrameEndsOnlyItsConnection) {
  loop().run([](Network& net) -> Task<> {
    auto ends = net.pair();
    FrameStream frames(std::move(ends->first), LengthPrefixed{.most = 8});
    EXPECT_TRUE(co_await ends->second.write(std::string_view("\xff\xff\xff\xff", 4)));
    const auto frame = co_await frames.receive();
    EXPECT_EQ(frame.error().code, EMSGSIZE);
    const auto sent = co_await frames.send(bytes_of("more than eight"));
    EXPECT_EQ(sent.error().code, EMSGSIZE);
  }(network()));
}

}  // namespace
}  // namespace plumb::runtime
