// SPDX-License-Identifier: Apache-2.0
// The beginnings of Go functions.
#include "detect/symbol/go_probe_place.h"

#include <gtest/gtest.h>

#include "bytes.h"

namespace plumb::detect {
namespace {

TEST(GoProbePlace, IsTheJumpOfTheStackCheck) {
  const Bytes small = Bytes().octets({0x49, 0x3b, 0x66, 0x10, 0x0f, 0x86, 0xce, 0, 0, 0});
  EXPECT_EQ(go_probe_place(small.view()), 4u);
  const Bytes near = Bytes().octets({0x49, 0x3b, 0x66, 0x10, 0x76, 0x20});
  EXPECT_EQ(go_probe_place(near.view()), 4u);
  const Bytes medium = Bytes().octets({0x4c, 0x8d, 0x64, 0x24, 0xc8, 0x4d, 0x3b, 0x66, 0x10, 0x76});
  EXPECT_EQ(go_probe_place(medium.view()), 9u);
  const Bytes large = Bytes().octets(
      {0x4c, 0x8d, 0xa4, 0x24, 0xd8, 0xfe, 0xff, 0xff, 0x4d, 0x3b, 0x66, 0x10, 0x0f, 0x86});
  EXPECT_EQ(go_probe_place(large.view()), 12u);
}

TEST(GoProbePlace, IsTheEntryOfOtherFunctions) {
  EXPECT_EQ(go_probe_place(Bytes().octets({0x48, 0x83, 0xec, 0x50}).view()), 0u);
  EXPECT_EQ(go_probe_place(Bytes().octets({0xcc, 0x3b, 0x66, 0x10, 0x76}).view()), 0u);
  EXPECT_EQ(go_probe_place(Bytes().octets({0x49, 0x3b, 0x66, 0x10, 0xcc}).view()), 0u);
  EXPECT_EQ(go_probe_place(Bytes().octets({0x4c, 0x8d, 0xa4, 0x24, 0xd8}).view()), 0u);
  EXPECT_EQ(go_probe_place({}), 0u);
}

TEST(GoCalls, AreFoundByWhereTheyLead) {
  // nop; call 0x1010; ret; call 0xff0
  const Bytes code =
      Bytes().octets({0x90, 0xe8, 0x0a, 0, 0, 0, 0xc3, 0xe8, 0xe4, 0xff, 0xff, 0xff});
  EXPECT_TRUE(has_call(code.view(), 0x1000, 0x1010));
  EXPECT_TRUE(has_call(code.view(), 0x1000, 0xff0));
  EXPECT_FALSE(has_call(code.view(), 0x1000, 0x1011));
  EXPECT_FALSE(has_call(code.view().first(5), 0x1000, 0x1010)) << "cut off";
  EXPECT_FALSE(has_call({}, 0x1000, 0x1010));
}

}  // namespace
}  // namespace plumb::detect
