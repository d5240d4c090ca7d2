// SPDX-License-Identifier: Apache-2.0
#include "detect/report/shorten.h"

#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

TEST(Shorten, LeavesWhatFits) {
  EXPECT_EQ(shorten("name", "127.0.0.1:80 ↔ :40000", 21), "127.0.0.1:80 ↔ :40000");
}

TEST(Shorten, DropsTheLastPartsFirst) {
  EXPECT_EQ(shorten("name", "10.0.0.5:1 ↔ 1.2.3.4:443 · 2 KiB unread · quiet 2h", 40),
            "10.0.0.5:1 ↔ 1.2.3.4:443 · 2 KiB unread");
}

TEST(Shorten, KeepsBothPortsAndTheOtherAddress) {
  EXPECT_EQ(shorten("name", "127.0.0.1:40051 ↔ :53844", 20), ":40051 ↔ :53844");
  EXPECT_EQ(shorten("name", "10.0.0.5:40000 ↔ 1.2.3.4:443 · quiet 2h", 24), ":40000 ↔ 1.2.3.4:443");
  EXPECT_EQ(shorten("name", "[2001:db8::1]:40000 ↔ [2001:db8::2]:443", 30),
            ":40000 ↔ [2001:db8::2]:443");
}

TEST(Shorten, CutsPathsInTheMiddle) {
  EXPECT_EQ(shorten("name", "stream ↔ /run/user/1000/bus", 16), "stream …1000/bus");
  EXPECT_EQ(shorten("name", "/a, 5 more = b", 8), "/a,… = b");
}

TEST(Shorten, SaysOfHoldersWhoBeforeHowMany) {
  EXPECT_EQ(shorten("with", "= python3(4879) fd 3, 23 more", 24), "= python3(4879) fd 3 +23");
  EXPECT_EQ(shorten("end", "→ a(1) fd 0, 2 more = b(2) fd 7, 12 more", 30),
            "→ a(1) fd 0 +2 = b(2) fd 7 +12");
  EXPECT_EQ(shorten("with", "→ nginx(4997) fd 3 = nginx(4997) fd 9", 30), "→ nginx(4997) fd 3");
  EXPECT_EQ(shorten("shared", "= a-long-name(4879) fd 3, 23 more", 16), "= a-lon…fd 3 +23");
}

}  // namespace
}  // namespace plumb::detect
