// SPDX-License-Identifier: Apache-2.0
// Marks as datagrams, also those of strangers.
#include "detect/source/mark_socket.h"

#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr BootTime kNow(100s);

Mark backup(BootTime time, Mark::What what = Mark::What::kStart) {
  return {time, Mark::Source::kScript, what, "nightly backup", {}};
}

TEST(MarkDatagram, ComesBackAsItWent) {
  const auto mark = decode_mark(encode_mark(backup(kNow - 1s, Mark::What::kStop)), kNow);
  ASSERT_TRUE(mark);
  EXPECT_EQ(mark->time, kNow - 1s);
  EXPECT_EQ(mark->what, Mark::What::kStop);
  EXPECT_EQ(mark->name, "nightly backup");
}

TEST(MarkDatagram, ATimeOfTheFutureOrOfLongAgoIsThatOfItsArrival) {
  EXPECT_EQ(decode_mark(encode_mark(backup(kNow + 1s)), kNow)->time, kNow);
  EXPECT_EQ(decode_mark(encode_mark(backup(kNow - 1h)), kNow)->time, kNow);
  EXPECT_EQ(decode_mark("plumb-mark 1 start -9223372036854775808 x", kNow)->time, kNow);
}

TEST(MarkDatagram, ALongNameIsCut) {
  Mark mark = backup(kNow);
  mark.name = std::string(1000, 'x');
  EXPECT_EQ(decode_mark(encode_mark(mark), kNow)->name, std::string(kLongestName, 'x'));
}

TEST(MarkDatagram, WhatIsNoneIsNone) {
  for (const std::string& bytes :
       {std::string(), std::string("plumb-mark"), std::string("plumb-mark 1 start 5"),
        std::string("plumb-mark 1 start 5 "), std::string("plumb-mark 2 start 5 x"),
        std::string("plumb-mark 1 begin 5 x"), std::string("plumb-mark 1 start five x"),
        std::string("plumb-mark 1 start 99999999999999999999 x"), std::string(200, 'x'),
        "plumb-mark 1 start 5 " + std::string(kLongestName + 1, 'x'), std::string(20, '\0')}) {
    EXPECT_FALSE(decode_mark(bytes, kNow)) << bytes;
  }
}

TEST(MarkDatagram, AHostileNameIsKeptByteForByte) {
  Mark mark = backup(kNow);
  mark.name = "\x1b[2J\n\xff";
  EXPECT_EQ(decode_mark(encode_mark(mark), kNow)->name, mark.name);
}

TEST(MarkListeners, AreFoundAmongOtherSockets) {
  const std::string table =
      "Num       RefCount Protocol Flags    Type St Inode Path\n"
      "ffff8880: 00000002 00000000 00000000 0002 01 4711 @plumb/marks/812\n"
      "ffff8881: 00000002 00000000 00010000 0001 01 4712 /run/x @plumb/mark\n"
      "ffff8882: 00000003 00000000 00000000 0001 03 4713\n"
      "ffff8883: 00000002 00000000 00000000 0002 01 4714 @plumb/marks/813";
  EXPECT_EQ(mark_listeners(table),
            (std::vector<std::string>{"plumb/marks/812", "plumb/marks/813"}));
}

TEST(MarkSocket, ASentMarkArrivesAndAStrangersDatagramIsCounted) {
  auto socket = MarkSocket::open();
  ASSERT_TRUE(socket) << socket.error().message();
  const auto took = send_mark(backup(BootClock::now()));
  ASSERT_TRUE(took);
  EXPECT_GE(*took, 1u);
  std::vector<std::string> names;
  socket->take([&](Mark mark) { names.push_back(mark.name); });
  EXPECT_EQ(names, std::vector<std::string>{"nightly backup"});
  EXPECT_EQ(socket->lost(), 0u);
}

}  // namespace
}  // namespace plumb::detect
