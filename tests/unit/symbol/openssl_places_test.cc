// SPDX-License-Identifier: Apache-2.0
// The function under two others, by what looks like a call in both.
#include "detect/symbol/openssl_places.h"

#include <gtest/gtest.h>

#include <cstring>
#include <initializer_list>
#include <vector>

namespace plumb::detect {
namespace {

class CommonCallee : public testing::Test {
 protected:
  void call(std::size_t at, std::size_t to) {
    const auto distance = static_cast<std::int32_t>(to) - static_cast<std::int32_t>(at) - 5;
    code[at] = std::byte{0xe8};
    std::memcpy(code.data() + at + 1, &distance, sizeof distance);
  }
  void put(std::size_t at, std::initializer_list<int> bytes) {
    for (const int one : bytes) code[at++] = static_cast<std::byte>(one);
  }
  std::optional<std::uint64_t> of(std::size_t one, std::size_t other) const {
    return common_callee(MemoryImage(code), code.size(), one, other);
  }
  std::vector<std::byte> code = std::vector<std::byte>(0x400, std::byte{0x90});
};

TEST_F(CommonCallee, IsWhatBothCall) {
  put(0x300, {0x41, 0x55});  // push %r13
  put(0x200, {0x53});        // push %rbx
  call(0x01e, 0x300);
  call(0x030, 0x200);
  call(0x104, 0x300);
  EXPECT_EQ(of(0x000, 0x100), 0x300U);
}

TEST_F(CommonCallee, IsNoneThatOnlyOneCallsOrThatBeginsOtherwise) {
  put(0x300, {0x41, 0x55});
  call(0x01e, 0x300);
  EXPECT_FALSE(of(0x000, 0x100));
  call(0x104, 0x310);
  call(0x030, 0x310);
  EXPECT_FALSE(of(0x000, 0x100)) << "no push there";
}

TEST_F(CommonCallee, IsNotLookedForOutside) {
  put(0x3fb, {0xe8, 0xff, 0xff, 0xff, 0x7f});
  EXPECT_FALSE(of(0x3f8, 0x3f8));
  EXPECT_FALSE(of(0x3ff, 0x5000));
  put(0x300, {0x41, 0x55});
  call(0x000, 0x300);
  EXPECT_EQ(of(0x000, 0x000), 0x300U);
  EXPECT_FALSE(common_callee(MemoryImage(code), 0x300, 0, 0)) << "no code there";
}

TEST(OpenSslPlaces, AreFoundInTheSystemsAndInNothingElse) {
  const auto places = find_openssl("/usr/lib/x86_64-linux-gnu/libssl.so.3");
  ASSERT_TRUE(places);
  EXPECT_NE(places->read, places->write);
  EXPECT_FALSE(find_openssl("/proc/self/exe"));
  EXPECT_FALSE(find_openssl("/nowhere"));
}

}  // namespace
}  // namespace plumb::detect
