// SPDX-License-Identifier: Apache-2.0
#include "detect/symbol/maps.h"

#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

constexpr std::string_view kMaps =
    "00400000-0041f000 r--p 00000000 fe:00 1234                               /usr/bin/python3.11\n"
    "0041f000-006cf000 r-xp 0001f000 fe:00 1234                               /usr/bin/python3.11\n"
    "7f0000000000-7f0000001000 rwxp 00000000 00:00 0 \n"
    "7f0000002000-7f0000003000 r-xp 00000000 fe:01 99     /tmp/a b\\012c (deleted)\n"
    "7ffd1000-nonsense\n"
    "7ffff0000000-7ffff0002000 r-xp 00000000 00:00 0                          [vdso]\n";

TEST(AddressSpace, FindsTheMappingThatHoldsAnAddress) {
  const auto space = AddressSpace::parse(kMaps);
  ASSERT_EQ(space.mappings().size(), 5u);
  EXPECT_EQ(space.left_out(), 1u);
  EXPECT_EQ(space.find(Address{0x3fffff}), nullptr);
  const Mapping* code = space.find(Address{0x41f000});
  ASSERT_NE(code, nullptr);
  EXPECT_TRUE(code->executable);
  EXPECT_EQ(code->file_offset, 0x1f000u);
  EXPECT_EQ(code->file.inode, 1234u);
  EXPECT_EQ(code->path, "/usr/bin/python3.11");
  EXPECT_EQ(space.find(Address{0x6ceffff}), nullptr);
  EXPECT_EQ(space.find(Address{0x7f0000001000}), nullptr) << "the end is beyond the mapping";
}

TEST(AddressSpace, UndoesEscapesAndKnowsDeletedFiles) {
  const auto space = AddressSpace::parse(kMaps);
  const Mapping* odd = space.find(Address{0x7f0000002000});
  ASSERT_NE(odd, nullptr);
  EXPECT_EQ(odd->path, "/tmp/a b\nc");
  EXPECT_TRUE(odd->deleted);
  EXPECT_EQ(space.find(Address{0x7ffff0000000})->path, "[vdso]");
}

TEST(ParseMapping, RefusesWhatIsNoLineOfMaps) {
  for (const char* line :
       {"", "x", "2000-1000 r-xp 0 0:0 0", "1000-2000 r-x 0 0:0 0", "1000-2000 r-xp 0 0 0",
        "1000-2000 r-xp 0 0:0 z", "1000-11111111111111111111 r-xp 0 0:0 0"}) {
    EXPECT_FALSE(parse_mapping(line)) << line;
  }
}

TEST(AddressSpace, LeavesOutMappingsThatOverlap) {
  const auto space = AddressSpace::parse("1000-3000 r-xp 0 0:0 0\n2000-4000 r-xp 0 0:0 0\n");
  EXPECT_EQ(space.mappings().size(), 1u);
  EXPECT_EQ(space.left_out(), 1u);
}

}  // namespace
}  // namespace plumb::detect
