// SPDX-License-Identifier: Apache-2.0
// The function under two others, by what looks like a call in both.
#include "detect/symbol/tls_places.h"

#include <gtest/gtest.h>

#include <cstring>
#include <initializer_list>
#include <string>
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

class GnuTls : public CommonCallee {
 protected:
  // mov rdx, rsi; mov esi, TYPE; jmp `to`
  void pass_on(std::size_t at, std::size_t to, int type = 0x17) {
    put(at, {0x48, 0x89, 0xf2, 0xbe, type, 0, 0, 0});
    call(at + 8, to);
    code[at + 8] = std::byte{0xe9};
  }
  std::optional<std::uint64_t> receive() const {
    return gnutls_receive(MemoryImage(code), code.size(), 0x000, 0x100);
  }
};

TEST_F(GnuTls, ReadsWithWhatBothPassApplicationDataOnTo) {
  put(0x300, {0x41, 0x57});
  pass_on(0x03e, 0x300);
  EXPECT_FALSE(receive());
  pass_on(0x10d, 0x300);
  EXPECT_EQ(receive(), 0x300U);
  pass_on(0x10d, 0x300, 0x15);
  EXPECT_FALSE(receive()) << "alerts";
}

TEST_F(GnuTls, SendsByAJumpAfterNothingButZeros) {
  put(0x000, {0x45, 0x31, 0xc0, 0x31, 0xc9, 0xe9});
  put(0x100, {0xe9});
  put(0x200, {0x31, 0xff, 0xe9});  // xor edi, edi: the session is gone
  const MemoryImage image(code);
  EXPECT_EQ(gnutls_send(image, 0x000), 0x005U);
  EXPECT_EQ(gnutls_send(image, 0x100), 0x100U);
  EXPECT_FALSE(gnutls_send(image, 0x200));
  EXPECT_FALSE(gnutls_send(image, 0x5000));
}

TEST(TlsPlaces, AreFoundInTheSystemsAndInNothingElse) {
  for (const char* name : {"libssl.so.3", "libgnutls.so.30"}) {
    const auto places = find_tls_places(std::string("/usr/lib/x86_64-linux-gnu/") + name);
    ASSERT_TRUE(places) << name;
    EXPECT_NE(places->read, places->write);
  }
  EXPECT_FALSE(find_tls_places("/proc/self/exe"));
  EXPECT_FALSE(find_tls_places("/nowhere"));
}

}  // namespace
}  // namespace plumb::detect
