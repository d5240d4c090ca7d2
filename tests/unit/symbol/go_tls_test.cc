// SPDX-License-Identifier: Apache-2.0
// The return instructions of Go functions, by the table's heights.
#include "detect/symbol/go_tls.h"

#include <gtest/gtest.h>

#include <span>
#include <vector>

#include "go_table_bytes.h"

namespace plumb::detect {
namespace {

TEST(GoReturns, AreWhereTheStackIsGivenBack) {
  const auto go = GoTable::parse(go_table_bytes({0xfffffff1, true, true}), ElfAddress{kText});
  ASSERT_TRUE(go);
  const auto main = go->find_named("main.main");
  ASSERT_TRUE(main);
  std::vector<std::byte> code(0x40, std::byte{0x90});
  EXPECT_TRUE(go_returns(*go, *main, code).empty()) << "a height of 0 alone is none";
  code[0x02] = std::byte{0xc3};  // before the stack is taken: a part of another instruction
  code[0x10] = std::byte{0xc3};
  code[0x24] = std::byte{0xc3};
  EXPECT_EQ(go_returns(*go, *main, code), std::vector<std::uint64_t>{0x24});
}

TEST(GoTls, OtherFilesHaveNone) {
  EXPECT_FALSE(find_go_tls("/proc/self/exe"));
  EXPECT_FALSE(find_go_tls("/nowhere"));
}

}  // namespace
}  // namespace plumb::detect
