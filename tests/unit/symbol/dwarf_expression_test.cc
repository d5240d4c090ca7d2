// SPDX-License-Identifier: Apache-2.0
#include "detect/symbol/dwarf_expression.h"

#include <dwarf.h>
#include <gtest/gtest.h>

#include "bytes.h"

namespace plumb::detect {
namespace {

class Expression : public testing::Test {
 protected:
  Expression() {
    registers_.set(Register::kRsp, 0x7000);
    registers_.set(Register::kRip, 0x401026);
    memory_.put(std::uint64_t{0x1111}).put(std::uint64_t{0x2222});
  }
  std::optional<std::uint64_t> run(std::initializer_list<int> code,
                                   std::optional<std::uint64_t> pushed = std::nullopt) {
    return evaluate(Bytes().octets(code).view(), registers_,
                    StackCopy(Address{0x7000}, memory_.view()), pushed);
  }
  Registers registers_;
  Bytes memory_;
};

TEST_F(Expression, OfAPltStubDependsOnTheInstruction) {
  // rsp + 8, and 8 more once the stub has pushed: ((rip & 15) >= 11) << 3
  const auto plt = {int{DW_OP_breg7},  8,
                    int{DW_OP_breg16}, 0,
                    int{DW_OP_lit15},  int{DW_OP_and},
                    int{DW_OP_lit11},  int{DW_OP_ge},
                    int{DW_OP_lit3},   int{DW_OP_shl},
                    int{DW_OP_plus}};
  EXPECT_EQ(run(plt), 0x7008u);
  registers_.set(Register::kRip, 0x40102b);
  EXPECT_EQ(run(plt), 0x7010u);
}

TEST_F(Expression, ReadsTheStackAndNothingElse) {
  EXPECT_EQ(run({DW_OP_breg7, 8, DW_OP_deref}), 0x2222u);
  EXPECT_EQ(run({DW_OP_breg7, 9, DW_OP_deref}), std::nullopt) << "not wholly in the copy";
  EXPECT_EQ(run({DW_OP_lit0, DW_OP_deref}), std::nullopt);
  EXPECT_EQ(run({DW_OP_plus_uconst, 16}, 0x7000), 0x7010u);
}

TEST_F(Expression, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(run({}), std::nullopt);
  EXPECT_EQ(run({DW_OP_plus}), std::nullopt) << "an empty stack";
  EXPECT_EQ(run({DW_OP_breg3, 0}), std::nullopt) << "rbx is not known";
  EXPECT_EQ(run({DW_OP_call2, 0, 0}), std::nullopt);
  EXPECT_EQ(run({DW_OP_const8u, 1, 2}), std::nullopt) << "torn";
}

TEST_F(Expression, CannotLoop) {
  EXPECT_EQ(run({DW_OP_lit1, DW_OP_skip, 0xfc, 0xff}), std::nullopt);
  EXPECT_EQ(run({DW_OP_lit1, DW_OP_lit1, DW_OP_bra, 0xfc, 0xff}), std::nullopt);
}

TEST_F(Expression, ComputesSignedAndUnsigned) {
  EXPECT_EQ(run({DW_OP_const1s, 0xff, DW_OP_lit1, DW_OP_lt}), 1u);
  EXPECT_EQ(run({DW_OP_lit8, DW_OP_const1u, 200, DW_OP_shl}), 0u);
  EXPECT_EQ(run({DW_OP_lit3, DW_OP_lit5, DW_OP_swap, DW_OP_minus}), 2u);
  EXPECT_EQ(run({DW_OP_lit3, DW_OP_lit5, DW_OP_over, DW_OP_pick, 2, DW_OP_mul}), 9u);
}

}  // namespace
}  // namespace plumb::detect
