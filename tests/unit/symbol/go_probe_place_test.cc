// SPDX-License-Identifier: Apache-2.0
// The beginnings of Go functions.
#include "detect/symbol/go_probe_place.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

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

TEST(GoCalls, AreThoseOfOneFunction) {
  std::vector<std::byte> code(0x41, std::byte{0x90});
  const auto call = [&](std::size_t at, std::int32_t distance) {
    code[at] = std::byte{0xe8};
    std::memcpy(code.data() + at + 1, &distance, sizeof distance);
  };
  call(0x10, -0x115);  // from 0x1010 to 0xf00
  call(0x20, 0x100);
  call(0x3c, -0x200);  // cut
  const GoTable::Function function{.entry = ElfAddress{0x1000}};
  EXPECT_EQ(go_calls(function, std::span(code).first(0x3f), ElfAddress{0xf00}),
            std::vector<std::uint64_t>{0x10});
  EXPECT_TRUE(go_calls(function, {}, ElfAddress{0xf00}).empty());
}

}  // namespace
}  // namespace plumb::detect
