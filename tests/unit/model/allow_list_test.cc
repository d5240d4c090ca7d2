// SPDX-License-Identifier: Apache-2.0
// Patterns of .plumb-allow: what they may say, and what they fit.
#include "detect/model/allow_list.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <vector>

namespace plumb::detect {
namespace {

TEST(Glob, FitsWholeTexts) {
  EXPECT_TRUE(fits_glob("read", "read"));
  EXPECT_FALSE(fits_glob("read", "reader"));
  EXPECT_TRUE(fits_glob("read*", "reader"));
  EXPECT_TRUE(fits_glob("*er", "reader"));
  EXPECT_TRUE(fits_glob("r*d*r", "reader"));
  EXPECT_FALSE(fits_glob("r*x*r", "reader"));
  EXPECT_TRUE(fits_glob("r?ad", "read"));
  EXPECT_FALSE(fits_glob("r?d", "read"));
  EXPECT_TRUE(fits_glob("*", ""));
  EXPECT_TRUE(fits_glob("", ""));
  EXPECT_FALSE(fits_glob("?", ""));
}

TEST(Glob, ManyStarsTakeNoLongTime) {
  const std::string text(20'000, 'a');
  std::string glob;
  for (int i = 0; i < 100; ++i) glob += "a*";
  EXPECT_FALSE(fits_glob(glob + "b", text));
  EXPECT_TRUE(fits_glob(glob, text));
}

class Patterns : public testing::Test {
 protected:
  Patterns() {
    Frame open;
    open.function = "__open64";
    open.module = "/usr/lib/libc.so.6";
    Frame own;
    own.function = "shop::Log::open(char const*)";
    own.file = "/src/shop/log.cc";
    own.line = 12;
    own.module = "/srv/bin/server";
    const std::vector<FrameId> frames = {stacks_.intern(open), stacks_.intern(own)};
    left_.kind = Kind::kFile;
    left_.process = "server";
    left_.name = "/var/log/shop.log";
    left_.call = 257;  // openat
    left_.stack = stacks_.add(frames);
  }
  bool allows(std::string_view pattern) const {
    AllowList list;
    const auto added = list.add(pattern, "test");
    EXPECT_TRUE(added) << pattern;
    return added && list.match(left_, stacks_).has_value();
  }

  StackStore stacks_;
  Leftover left_;
};

TEST_F(Patterns, EachFieldFitsItsOwn) {
  EXPECT_TRUE(allows("kind:file"));
  EXPECT_FALSE(allows("kind:tcp"));
  EXPECT_TRUE(allows("process:serv*"));
  EXPECT_TRUE(allows("function:shop::Log::open*"));
  EXPECT_FALSE(allows("function:log.cc"));
  EXPECT_TRUE(allows("file:log.cc"));
  EXPECT_TRUE(allows("file:/src/*"));
  EXPECT_TRUE(allows("module:libc.so.?"));
  EXPECT_TRUE(allows("name:/var/log/*"));
  EXPECT_TRUE(allows("call:openat"));
}

TEST_F(Patterns, AGlobAloneFitsFunctionFileModuleAndName) {
  EXPECT_TRUE(allows("__open64"));
  EXPECT_TRUE(allows("shop::Log::*"));
  EXPECT_TRUE(allows("log.cc"));
  EXPECT_TRUE(allows("server"));  // the module's last part
  EXPECT_TRUE(allows("/var/log/shop.log"));
  EXPECT_FALSE(allows("file"));
}

TEST_F(Patterns, AllWordsMustFit) {
  EXPECT_TRUE(allows("kind:file process:server  function:*Log*"));
  EXPECT_FALSE(allows("kind:file process:other"));
  EXPECT_TRUE(allows("kind:file # and why"));
}

TEST_F(Patterns, KindsOfOtherLeftoversHaveNames) {
  left_.what = Leftover::What::kRunning;
  EXPECT_TRUE(allows("kind:process"));
  left_.what = Leftover::What::kUnwaited;
  EXPECT_TRUE(allows("kind:zombie"));
  left_.what = Leftover::What::kFile;
  EXPECT_TRUE(allows("kind:temporary"));
}

TEST(AllowFile, LinesCommentsAndPlaces) {
  AllowList list;
  ASSERT_TRUE(list.add_lines("# comment\n\n  kind:file  \r\nprocess:x", "f"));
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list.where(0), "f:3");
  EXPECT_EQ(list.text(0), "kind:file");
  EXPECT_EQ(list.where(1), "f:4");
}

TEST(AllowFile, WhatIsWrongIsNamedWithItsLine) {
  AllowList list;
  const auto wrong = list.add_lines("kind:file\ncolour:red\n", "f");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, EINVAL);
  EXPECT_EQ(wrong.error().object, "f:2");
  EXPECT_NE(wrong.error().advice.find("function"), std::string::npos);
  EXPECT_FALSE(list.add("kind:", "x"));
  EXPECT_FALSE(list.add("   ", "x"));
  EXPECT_FALSE(list.add(std::string(AllowList::kMostLine + 1, 'a'), "x"));
}

}  // namespace
}  // namespace plumb::detect
