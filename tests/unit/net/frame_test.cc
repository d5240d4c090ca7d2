// SPDX-License-Identifier: Apache-2.0
// Codecs: what they cut and refuse, the same at every split; bounds; what cannot be framed.
#include "plumb/net/frame.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

namespace plumb::runtime {
namespace {

// Feeds `input` in the given pieces; the frames, then the error's code if there was one.
template <FrameCodec Codec>
std::pair<std::vector<std::string>, int> cut_all(const Codec& codec,
                                                 const std::vector<std::string>& pieces) {
  BlockPool pool;
  Buffer buffer(pool);
  std::vector<std::string> frames;
  std::size_t seen = 0;
  for (const auto& piece : pieces) {
    buffer.append(bytes_of(piece));
    for (;;) {
      const auto cut = codec.cut(buffer.bytes(), seen);
      if (!cut) return {frames, cut.error().code};
      if (!*cut) break;
      frames.emplace_back(text_of((*cut)->payload));
      buffer.consume((*cut)->consumed);
      seen = 0;
    }
  }
  return {frames, 0};
}

template <FrameCodec Codec>
std::string wrapped(const Codec& codec, const std::vector<std::string>& payloads) {
  BlockPool pool;
  Buffer buffer(pool);
  for (const auto& payload : payloads) EXPECT_TRUE(codec.wrap(bytes_of(payload), buffer));
  return std::string(buffer.text());
}

template <FrameCodec Codec>
void expect_the_same_at_every_split(const Codec& codec, const std::vector<std::string>& payloads) {
  const std::string wire = wrapped(codec, payloads);
  for (std::size_t i = 0; i <= wire.size(); ++i) {
    for (std::size_t j = i; j <= wire.size(); ++j) {
      const auto [frames, error] =
          cut_all(codec, {wire.substr(0, i), wire.substr(i, j - i), wire.substr(j)});
      ASSERT_EQ(frames, payloads) << "split at " << i << " and " << j;
      ASSERT_EQ(error, 0);
    }
  }
  std::vector<std::string> bytes;
  for (const char byte : wire) bytes.emplace_back(1, byte);
  EXPECT_EQ(cut_all(codec, bytes).first, payloads);
}

const std::vector<std::string> kPayloads = {"one", "", "three and more", "4", ""};

TEST(LengthPrefixed, CutsTheSameAtEverySplitInEveryWidthAndOrder) {
  for (const std::size_t width : {1U, 2U, 4U, 8U}) {
    for (const auto order : {LengthPrefixed::Order::kBig, LengthPrefixed::Order::kLittle}) {
      expect_the_same_at_every_split(LengthPrefixed{.width = width, .order = order}, kPayloads);
    }
  }
}

TEST(LengthPrefixed, WritesTheLengthInItsOrder) {
  using Order = LengthPrefixed::Order;
  EXPECT_EQ(wrapped(LengthPrefixed{.width = 2}, {"abc"}), std::string("\x00\x03"
                                                                      "abc",
                                                                      5));
  EXPECT_EQ(wrapped(LengthPrefixed{.width = 2, .order = Order::kLittle}, {"abc"}),
            std::string("\x03\x00"
                        "abc",
                        5));
}

TEST(LengthPrefixed, RefusesALengthBeyondTheBoundAtItsLastByte) {
  const LengthPrefixed codec{.width = 8, .most = 10};
  const std::string huge(8, '\xff');
  EXPECT_EQ(cut_all(codec, {huge.substr(0, 7)}).second, 0);
  EXPECT_EQ(cut_all(codec, {huge}).second, EMSGSIZE);
  EXPECT_EQ(cut_all(codec, {std::string("\0\0\0\0\0\0\0\x0b", 8)}).second, EMSGSIZE);
  EXPECT_EQ(cut_all(codec, {std::string("\0\0\0\0\0\0\0\x0a", 8) + "0123456789"}).first.size(), 1U);
}

TEST(LengthPrefixed, RefusesToFrameWhatDoesNotFit) {
  BlockPool pool;
  Buffer buffer(pool);
  const std::string payload(256, 'x');
  EXPECT_EQ((LengthPrefixed{.width = 1}.wrap(bytes_of(payload), buffer)).error().code, EMSGSIZE);
  EXPECT_EQ((LengthPrefixed{.most = 255}.wrap(bytes_of(payload), buffer)).error().code, EMSGSIZE);
  EXPECT_TRUE(buffer.empty());
}

TEST(Delimited, CutsTheSameAtEverySplit) {
  expect_the_same_at_every_split(Delimited{}, kPayloads);
  expect_the_same_at_every_split(Delimited{.delimiter = "\r\n"}, {"a\r", "\n", "", "\r\r"});
  expect_the_same_at_every_split(Delimited{.delimiter = "aab"}, {"a a b", "", "xa"});
}

TEST(Delimited, RefusesALineBeyondTheBoundBeforeItsEnd) {
  const Delimited codec{.delimiter = "\r\n", .most = 4};
  EXPECT_EQ(cut_all(codec, {"1234\r\n"}).first, std::vector<std::string>{"1234"});
  EXPECT_EQ(cut_all(codec, {"1234\r"}).second, 0);
  EXPECT_EQ(cut_all(codec, {"123456"}).second, EMSGSIZE);
  EXPECT_EQ(cut_all(codec, {"12345\r\n"}).second, EMSGSIZE);
}

TEST(Delimited, RefusesToFrameWhatWouldBeCutElsewhere) {
  BlockPool pool;
  Buffer buffer(pool);
  EXPECT_EQ(Delimited{}.wrap(bytes_of("a\nb"), buffer).error().code, EINVAL);
  EXPECT_EQ((Delimited{.delimiter = "aa"}.wrap(bytes_of("xa"), buffer)).error().code, EINVAL);
  EXPECT_EQ((Delimited{.most = 3}.wrap(bytes_of("1234"), buffer)).error().code, EMSGSIZE);
  EXPECT_TRUE(buffer.empty());
}

TEST(Verbatim, GivesWhateverHasCome) {
  EXPECT_EQ(cut_all(Verbatim{}, {"ab", "", "c"}).first, (std::vector<std::string>{"ab", "c"}));
}

TEST(Buffer, GrowsShrinksAndGivesItsBlockBack) {
  BlockPool pool;
  Buffer buffer(pool);
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string piece(static_cast<std::size_t>(i) * 37, static_cast<char>('a' + i % 26));
    buffer.append(bytes_of(piece));
    expected += piece;
    const std::size_t eaten = expected.size() / 3;
    buffer.consume(eaten);
    expected.erase(0, eaten);
    ASSERT_EQ(buffer.text(), expected);
  }
  Buffer moved(std::move(buffer));
  EXPECT_EQ(moved.text(), expected);
  moved.consume(moved.size());
  EXPECT_EQ(moved.capacity(), 0U);
  EXPECT_EQ(pool.lent(), 0U);
}

}  // namespace
}  // namespace plumb::runtime
