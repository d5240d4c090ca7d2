// SPDX-License-Identifier: Apache-2.0
#include "plumb/http/websocket.h"

#include <gtest/gtest.h>

#include <vector>

namespace plumb::http {
namespace {

constexpr std::array<char, 4> kMask = {'\x12', '\x34', '\x56', '\x78'};

std::string frame(WsOpcode opcode, std::string_view payload) {
  std::string out;
  append_frame(out, opcode, payload, kMask);
  return out;
}
std::string part(WsOpcode opcode, std::string_view payload) {  // not the last of its message
  std::string out = frame(opcode, payload);
  out[0] = static_cast<char>(out[0] & 0x7f);
  return out;
}

// What comes of a server's reading of `bytes`, given in pieces of `step` bytes.
std::vector<std::string> read(const std::string& bytes, std::size_t step = 1,
                              std::uint64_t most = 1000) {
  WsReader reader(WsRole::kServer, most);
  std::vector<std::string> events;
  std::string held;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    held += bytes.substr(at, step);
    for (;;) {
      const auto got = reader.next(held);
      held.erase(0, got.consumed);
      if (got.event == WsReader::Event::kNeedMore) break;
      const std::string payload(reader.payload());
      switch (got.event) {
        case WsReader::Event::kMessage:
          events.push_back((reader.opcode() == WsOpcode::kText ? "text " : "binary ") + payload);
          break;
        case WsReader::Event::kPing:
          events.push_back("ping " + payload);
          break;
        case WsReader::Event::kPong:
          events.push_back("pong " + payload);
          break;
        case WsReader::Event::kClose:
          events.push_back("close " + std::to_string(reader.close_status().value_or(0)) + " " +
                           payload);
          return events;
        default:
          events.push_back("fault " + std::string(name(reader.fault())));
          return events;
      }
    }
  }
  return events;
}

using Events = std::vector<std::string>;

TEST(WebSocketReader, Messages) {
  for (const std::size_t step : {1U, 2U, 7U, 100'000U}) {
    EXPECT_EQ(read(frame(WsOpcode::kText, "hello") + frame(WsOpcode::kBinary, ""), step),
              (Events{"text hello", "binary "}));
    EXPECT_EQ(read(part(WsOpcode::kText, "a") + frame(WsOpcode::kPing, "p") +
                       part(WsOpcode::kContinuation, "") + frame(WsOpcode::kPong, "") +
                       frame(WsOpcode::kContinuation, "b") + frame(WsOpcode::kBinary, "c"),
                   step),
              (Events{"ping p", "pong ", "text ab", "binary c"}));
    const std::string large(70'000, 'x');
    EXPECT_EQ(read(frame(WsOpcode::kBinary, large), step, 100'000), (Events{"binary " + large}));
    const std::string middle(126, 'y');
    EXPECT_EQ(read(frame(WsOpcode::kBinary, middle), step), (Events{"binary " + middle}));
  }
}

TEST(WebSocketReader, TheClientsSide) {
  WsReader reader(WsRole::kClient, 100);
  std::string bytes;
  append_frame(bytes, WsOpcode::kText, "hello");
  EXPECT_EQ(reader.next(bytes).event, WsReader::Event::kMessage);
  EXPECT_EQ(reader.payload(), "hello");
  EXPECT_EQ(reader.next(frame(WsOpcode::kText, "x")).event, WsReader::Event::kFault);
  EXPECT_EQ(reader.fault(), WsFault::kMasked);
}

TEST(WebSocketReader, Closing) {
  EXPECT_EQ(read(frame(WsOpcode::kClose, "")), (Events{"close 0 "}));
  EXPECT_EQ(read(frame(WsOpcode::kClose,
                       "\x03\xe8"
                       "bye")),
            (Events{"close 1000 bye"}));
  EXPECT_EQ(read(frame(WsOpcode::kClose, "\x03")), (Events{"fault bad-close"}));
  for (const int status : {0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535}) {
    const std::string payload = {static_cast<char>(status >> 8), static_cast<char>(status & 0xff)};
    EXPECT_EQ(read(frame(WsOpcode::kClose, payload)), (Events{"fault bad-close"})) << status;
  }
  for (const int status : {1000, 1003, 1007, 1014, 3000, 4999})
    EXPECT_TRUE(may_close_with(static_cast<std::uint16_t>(status)));
  EXPECT_EQ(read(frame(WsOpcode::kClose, "\x03\xe8\xff")), (Events{"fault bad-utf8"}));
}

TEST(WebSocketReader, Faults) {
  std::string bytes = frame(WsOpcode::kText, "x");
  for (const int bit : {0x10, 0x20, 0x40}) {
    std::string reserved = bytes;
    reserved[0] = static_cast<char>(reserved[0] | bit);
    EXPECT_EQ(read(reserved), (Events{"fault reserved-bits"}));
  }
  for (const int opcode : {3, 7, 11, 15}) {
    std::string unknown = bytes;
    unknown[0] = static_cast<char>(0x80 | opcode);
    EXPECT_EQ(read(unknown), (Events{"fault unknown-opcode"}));
  }
  std::string plain;
  append_frame(plain, WsOpcode::kText, "x");
  EXPECT_EQ(read(plain), (Events{"fault not-masked"}));
  EXPECT_EQ(read(frame(WsOpcode::kPing, std::string(126, 'x'))),
            (Events{"fault long-control-frame"}));
  EXPECT_EQ(read(part(WsOpcode::kPing, "x")), (Events{"fault fragmented-control-frame"}));
  EXPECT_EQ(read(frame(WsOpcode::kContinuation, "x")), (Events{"fault nothing-to-continue"}));
  EXPECT_EQ(read(part(WsOpcode::kText, "x") + bytes), (Events{"fault not-continued"}));
  EXPECT_EQ(read(frame(WsOpcode::kText, std::string(1001, 'x'))),
            (Events{"fault message-too-large"}));
  EXPECT_EQ(read(part(WsOpcode::kText, std::string(600, 'x')) +
                 frame(WsOpcode::kContinuation, std::string(401, 'x'))),
            (Events{"fault message-too-large"}));
  using namespace std::string_literals;
  EXPECT_EQ(read("\x82\xfe\x00\x7d"s + "mask"), (Events{"fault length-form"}));
  EXPECT_EQ(read("\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff"s + "mask"),
            (Events{"fault length-form"}));
  EXPECT_EQ(read("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff"s + "mask"),
            (Events{"fault length-form"}));
}

TEST(WebSocketReader, TextIsUtf8AsItComes) {
  EXPECT_EQ(read(frame(WsOpcode::kText, "κόσμε \xf0\x9f\x98\x80")),
            (Events{"text κόσμε \xf0\x9f\x98\x80"}));
  EXPECT_EQ(read(part(WsOpcode::kText, "\xf0\x9f") + frame(WsOpcode::kContinuation, "\x98\x80")),
            (Events{"text \xf0\x9f\x98\x80"}));
  for (const char* broken :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80", "\xf5", "\xff", "a\xc3(", "\xf0\x9f\x98"}) {
    EXPECT_EQ(read(frame(WsOpcode::kText, broken)), (Events{"fault bad-utf8"})) << broken;
  }
  // The fault is found before the frame is complete.
  const std::string begun = part(WsOpcode::kText, "ab\xff" + std::string(100, 'x')).substr(0, 12);
  EXPECT_EQ(read(begun), (Events{"fault bad-utf8"}));
  EXPECT_EQ(read(frame(WsOpcode::kBinary, "\xff")), (Events{"binary \xff"}));
  EXPECT_EQ(close_code(WsFault::kBadUtf8), 1007);
  EXPECT_EQ(close_code(WsFault::kMessageTooLarge), 1009);
  EXPECT_EQ(close_code(WsFault::kMasked), 1002);
}

}  // namespace
}  // namespace plumb::http
