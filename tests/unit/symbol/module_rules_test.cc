// SPDX-License-Identifier: Apache-2.0
// Rules that are read function by function are those of the whole table.
#include "detect/symbol/module_rules.h"

#include <gtest/gtest.h>

#include <string>

namespace plumb::detect {
namespace {

bool by_number(RuleKind kind) {
  return kind == RuleKind::kAtExpression || kind == RuleKind::kIsExpression;
}

// Expressions have numbers of their own in each table: they are compared by their bytes.
void expect_same(const UnwindTable& whole, const UnwindTable::Rule& expected,
                 const UnwindTable& part, const UnwindTable::Rule& found) {
  EXPECT_EQ(found.signal_frame, expected.signal_frame);
  ASSERT_EQ(found.cfa.kind, expected.cfa.kind);
  const auto same_bytes = [&](std::int32_t left, std::int32_t right) {
    return std::ranges::equal(whole.expression(left), part.expression(right));
  };
  if (found.cfa.kind == CfaKind::kExpression) {
    EXPECT_TRUE(same_bytes(expected.cfa.offset, found.cfa.offset));
  } else {
    EXPECT_EQ(found.cfa, expected.cfa);
  }
  const auto left = whole.saved(expected);
  const auto right = part.saved(found);
  ASSERT_EQ(left.size(), right.size());
  for (std::size_t i = 0; i < left.size(); ++i) {
    EXPECT_EQ(left[i].which, right[i].which);
    ASSERT_EQ(left[i].rule.kind, right[i].rule.kind);
    if (by_number(left[i].rule.kind)) {
      EXPECT_TRUE(same_bytes(left[i].rule.value, right[i].rule.value));
    } else {
      EXPECT_EQ(left[i].rule, right[i].rule);
    }
  }
}

TEST(ModuleRules, AreThoseOfTheWholeTable) {
  for (const char* path : {"/lib/x86_64-linux-gnu/libc.so.6", "/proc/self/exe"}) {
    const auto image = FileImage::open(path);
    ASSERT_TRUE(image);
    const auto elf = ElfImage::parse(**image);
    ASSERT_TRUE(elf);
    ASSERT_TRUE(EhFrameIndex::read(**image, *elf)) << path;
    ModuleRules whole(**image, *elf);
    ModuleRules parts(**image, *elf);
    EXPECT_FALSE(parts.empty());
    std::size_t compared = 0;
    for (std::size_t entry = 0; entry + 1 < whole.all().entry_count(); ++entry) {
      const ElfAddress start = whole.all().start_of(entry);
      const std::uint64_t size = number(whole.all().start_of(entry + 1)) - number(start);
      for (const std::uint64_t offset : {std::uint64_t{0}, size / 2, size - 1, size}) {
        const ElfAddress at = start + offset;
        const UnwindTable& table = parts.at(at);
        const UnwindTable::Rule* expected = whole.all().find(at);
        const UnwindTable::Rule* found = table.find(at);
        ASSERT_EQ(found == nullptr, expected == nullptr) << path << ' ' << number(at);
        if (found != nullptr) expect_same(whole.all(), *expected, table, *found);
        ++compared;
      }
    }
    EXPECT_GT(compared, 1000u);
  }
}

TEST(ModuleRules, OfNothingAreEmpty) {
  ModuleRules rules;
  EXPECT_TRUE(rules.empty());
  EXPECT_EQ(rules.at(ElfAddress{0x1000}).find(ElfAddress{0x1000}), nullptr);
}

}  // namespace
}  // namespace plumb::detect
