// SPDX-License-Identifier: Apache-2.0
#include "detect/symbol/eh_frame.h"

#include <dwarf.h>
#include <gtest/gtest.h>

#include "bytes.h"

namespace plumb::detect {
namespace {

constexpr int kRbp = 6;
constexpr int kRsp = 7;
constexpr int kRip = 16;

// Length-prefixes an entry and pads it with DW_CFA_nop, as assemblers do.
Bytes entry(const Bytes& content) {
  Bytes body = content;
  body.pad_to(4);
  return Bytes().put(static_cast<std::uint32_t>(body.size())).append(body.view());
}

// What gcc writes for x86-64: "zR", code alignment 1, data alignment -8, pcrel sdata4.
Bytes usual_cie(int version = 1, int data_alignment = 0x78) {
  return entry(Bytes()
                   .put(std::uint32_t{0})
                   .octets({version})
                   .text("zR")
                   .octets({1, data_alignment, kRip, 1, DW_EH_PE_absptr})
                   .octets({DW_CFA_def_cfa, kRsp, 8, DW_CFA_offset | kRip, 1}));
}

Bytes fde(std::size_t at, std::uint64_t start, std::uint64_t size,
          std::initializer_list<int> program) {
  return entry(Bytes()
                   .put(static_cast<std::uint32_t>(at + 4))
                   .put(start)
                   .put(size)
                   .octets({0})
                   .octets(program));
}

struct Read {
  CfiSummary summary;
  UnwindTable table;
};

Read read(const Bytes& section) {
  UnwindTableBuilder builder;
  Read result;
  result.summary = read_cfi({CfiFormat::kEhFrame, section.view(), ElfAddress{0x9000}, {}}, builder);
  result.table = std::move(builder).build();
  return result;
}

TEST(EhFrame, GivesTheRuleOfEachPlaceOfAFunction) {
  Bytes section = usual_cie();
  section.append(fde(section.size(), 0x1000, 0x20,
                     {DW_CFA_advance_loc | 1, DW_CFA_def_cfa_offset, 16, DW_CFA_offset | kRbp, 2,
                      DW_CFA_advance_loc | 3, DW_CFA_def_cfa_register, kRbp, DW_CFA_remember_state,
                      DW_CFA_advance_loc | 8, DW_CFA_def_cfa, kRsp, 8, DW_CFA_advance_loc | 1,
                      DW_CFA_restore_state})
                     .view());
  const Read got = read(section);
  EXPECT_EQ(got.summary.functions, 1u);
  EXPECT_EQ(got.summary.damaged, 0u);
  const auto cfa_at = [&got](std::uint64_t address) {
    const auto* rule = got.table.find(ElfAddress{address});
    return rule == nullptr ? CfaRule{} : rule->cfa;
  };
  EXPECT_EQ(cfa_at(0xfff), CfaRule{});
  EXPECT_EQ(cfa_at(0x1000), (CfaRule{CfaKind::kRegisterPlus, kRsp, 8}));
  EXPECT_EQ(cfa_at(0x1001), (CfaRule{CfaKind::kRegisterPlus, kRsp, 16}));
  EXPECT_EQ(cfa_at(0x1004), (CfaRule{CfaKind::kRegisterPlus, kRbp, 16}));
  EXPECT_EQ(cfa_at(0x100c), (CfaRule{CfaKind::kRegisterPlus, kRsp, 8}));
  EXPECT_EQ(cfa_at(0x100d), (CfaRule{CfaKind::kRegisterPlus, kRbp, 16}));
  EXPECT_EQ(cfa_at(0x101f), (CfaRule{CfaKind::kRegisterPlus, kRbp, 16}));
  EXPECT_EQ(cfa_at(0x1020), CfaRule{});

  const auto* rule = got.table.find(ElfAddress{0x1004});
  ASSERT_NE(rule, nullptr);
  const auto saved = got.table.saved(*rule);
  ASSERT_EQ(saved.size(), 2u);
  EXPECT_EQ(saved[0].which, kRbp);
  EXPECT_EQ(saved[0].rule, (RegisterRule{RuleKind::kAtCfa, -16}));
  EXPECT_EQ(saved[1].which, kRip);
  EXPECT_EQ(saved[1].rule, (RegisterRule{RuleKind::kAtCfa, -8}));
}

TEST(EhFrame, NeighboursDoNotBleedIntoEachOtherWhateverTheirOrder) {
  Bytes section = usual_cie();
  section.append(fde(0, 0, 0, {}).view());  // discarded by the linker
  section.append(fde(section.size(), 0x2000, 0x10, {DW_CFA_def_cfa_offset, 32}).view());
  section.append(fde(section.size(), 0x1ff0, 0x10, {DW_CFA_def_cfa_offset, 24}).view());
  const Read got = read(section);
  ASSERT_EQ(got.summary.functions, 2u);
  EXPECT_EQ(got.table.find(ElfAddress{0x1fff})->cfa.offset, 24);
  EXPECT_EQ(got.table.find(ElfAddress{0x2000})->cfa.offset, 32);
}

TEST(EhFrame, GoesOnBehindATerminator) {
  Bytes section = usual_cie();
  section.put(std::uint32_t{0});
  section.append(fde(section.size(), 0x1000, 4, {}).view());
  EXPECT_EQ(read(section).summary.functions, 1u);
}

TEST(EhFrame, KeepsExpressionsOnceAndSignalFramesMarked) {
  Bytes section =
      entry(Bytes()
                .put(std::uint32_t{0})
                .octets({1})
                .text("zRS")
                .octets({1, 0x78, kRip, 1, DW_EH_PE_absptr})
                .octets({DW_CFA_def_cfa_expression, 4, DW_OP_breg7, 0xa0, 0x01, DW_OP_deref})
                .octets({DW_CFA_expression, kRip, 3, DW_OP_breg7, 0xa8, 0x01}));
  section.append(fde(section.size(), 0x1000, 9, {}).view());
  const Read got = read(section);
  const auto* rule = got.table.find(ElfAddress{0x1000});
  ASSERT_NE(rule, nullptr);
  EXPECT_TRUE(rule->signal_frame);
  EXPECT_EQ(rule->cfa.kind, CfaKind::kExpression);
  EXPECT_EQ(got.table.expression(rule->cfa.offset).size(), 4u);
  EXPECT_EQ(got.table.saved(*rule)[0].rule.kind, RuleKind::kAtExpression);
}

TEST(EhFrame, CountsWhatIsDamagedAndReadsTheRest) {
  Bytes section = usual_cie(2);  // there is no version 2
  const std::size_t good = section.size();
  section.append(usual_cie().view());
  section.append(fde(section.size(), 0x1000, 4, {}).view());             // of the bad CIE
  section.append(fde(section.size() - good, 0x2000, 4, {}).view());      // of the good one
  section.append(fde(section.size() - good, 0x3000, 4, {0x3f}).view());  // unknown instruction
  section.append(fde(section.size() - good, ~std::uint64_t{0}, 4, {}).view());  // wraps around
  section.put(std::uint32_t{0x7fffffff});  // longer than the section
  const Read got = read(section);
  EXPECT_NE(got.table.find(ElfAddress{0x2000}), nullptr);
  EXPECT_GE(got.summary.damaged, 4u);
}

TEST(EhFrame, RefusesOffsetsThatFitNoStack) {
  Bytes section = usual_cie();
  section.append(fde(section.size(), 0x1000, 4,
                     {DW_CFA_def_cfa_offset, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
                     .view());
  EXPECT_EQ(read(section).summary.damaged, 1u);
}

}  // namespace
}  // namespace plumb::detect
