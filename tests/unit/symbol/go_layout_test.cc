// SPDX-License-Identifier: Apache-2.0
// Versions as binaries have them, and the layouts that they lead to.
#include "detect/symbol/go_layout.h"

#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

TEST(GoVersion, IsReadAsBinariesHaveIt) {
  EXPECT_EQ(parse_go_version("go1.19.8"), (GoVersion{1, 19}));
  EXPECT_EQ(parse_go_version("go1.26rc1"), (GoVersion{1, 26}));
  EXPECT_EQ(parse_go_version("go1.23.5 X:boringcrypto"), (GoVersion{1, 23}));
  EXPECT_EQ(parse_go_version("devel go1.22-5e0ed68b Mon Aug 7"), (GoVersion{1, 22}));
  for (const char* text : {"", "go", "go1", "go1.", "go.1", "1.19", "unknown", "go99999999999.1"}) {
    EXPECT_FALSE(parse_go_version(text)) << text;
  }
}

TEST(GoLayout, IsThatOfTheNewestVersionNotNewer) {
  EXPECT_FALSE(go_layout({1, 16}));
  for (unsigned minor = 17; minor <= 20; ++minor) {
    const auto known = go_layout({1, minor});
    ASSERT_TRUE(known);
    EXPECT_EQ(known->layout.go_pc, 296) << minor;
    EXPECT_FALSE(known->layout.parent) << "parents came with 1.21";
  }
  EXPECT_EQ(go_layout({1, 22})->layout.parent, 272);
  EXPECT_EQ(go_layout({1, 24})->layout.status, 152) << "behind syscallbp";
  EXPECT_EQ(go_layout({1, 25})->layout.status, 144) << "gobuf.ret is gone";
  EXPECT_EQ(go_layout({1, 25})->layout.m_procid, 64);
  EXPECT_EQ(go_layout({1, 26})->layout.parent, 280);
  EXPECT_EQ(go_layout({1, 99})->first, (GoVersion{1, 26})) << "the newest, to be tried";
}

TEST(GoLayout, SizeHoldsEveryField) {
  for (const KnownLayout& known : known_go_layouts()) {
    EXPECT_EQ(known.layout.size(), known.layout.start_pc + 8u);
  }
}

}  // namespace
}  // namespace plumb::detect
