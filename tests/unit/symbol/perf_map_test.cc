// SPDX-License-Identifier: Apache-2.0
#include "detect/symbol/perf_map.h"

#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

std::string at(const PerfMap& map, std::uint64_t address) {
  const auto found = map.find(Address{address});
  return found ? std::string(found->name) + "+" + std::to_string(found->offset) : "-";
}

PerfMap parsed(std::string_view text) {
  PerfMap map;
  map.append(text);
  return map;
}

TEST(PerfMap, NamesTheCodeAtAnAddress) {
  const auto map = parsed("1000 10 LazyCompile:*leak /srv/app.js:12:3\n0x2000 0x8 stub\n");
  EXPECT_EQ(at(map, 0xfff), "-");
  EXPECT_EQ(at(map, 0x1004), "LazyCompile:*leak /srv/app.js:12:3+4");
  EXPECT_EQ(at(map, 0x1010), "-");
  EXPECT_EQ(at(map, 0x2007), "stub+7");
}

TEST(PerfMap, TheLastWriterOfAPlaceOwnsIt) {
  const auto map = parsed("1000 100 old\n1020 10 new\n1200 10 a\n1240 10 b\n1208 40 c\n");
  EXPECT_EQ(at(map, 0x101f), "old+31");
  EXPECT_EQ(at(map, 0x1020), "new+0");
  EXPECT_EQ(at(map, 0x1030).substr(0, 3), "old");
  EXPECT_EQ(at(map, 0x1207), "a+7");
  EXPECT_EQ(at(map, 0x1208), "c+0");
  EXPECT_EQ(at(map, 0x1247), "c+63");
  EXPECT_EQ(at(map, 0x1248).substr(0, 1), "b");
}

TEST(PerfMap, GrowsWithItsText) {
  auto map = parsed("1000 10 interpreted\n");
  EXPECT_EQ(at(map, 0x1018), "-");
  map.append("1008 20 compiled\n");
  EXPECT_EQ(at(map, 0x1007), "interpreted+7");
  EXPECT_EQ(at(map, 0x1018), "compiled+16");
}

TEST(PerfMap, LeavesOutWhatIsNoEntry) {
  const auto map = parsed("\nx y z\n1000 0 empty\n1000\n1000 10\nffffffffffffffff 10 wraps\n");
  EXPECT_EQ(map.size(), 0u);
}

}  // namespace
}  // namespace plumb::detect
