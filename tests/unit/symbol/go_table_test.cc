// SPDX-License-Identifier: Apache-2.0
// Go tables of each layout, written here after src/runtime/symtab.go.
#include "detect/symbol/go_table.h"

#include <gtest/gtest.h>

#include "bytes.h"
#include "go_table_bytes.h"

namespace plumb::detect {
namespace {

// What function data count from; the inlining tree of main.main stands at 8.
Bytes go_func(const GoTableShape& layout) {
  Bytes bytes = Bytes().put(std::uint64_t{0});
  if (layout.start_line) {
    return bytes.octets({0, 0, 0, 0})
        .put(std::uint32_t{25})
        .put(std::uint32_t{8})
        .put(std::uint32_t{3});
  }
  bytes.put(std::uint32_t{0xffff}).put(std::uint32_t{1}).put(std::uint32_t{40});
  return bytes.put(std::uint32_t{25}).put(std::uint32_t{8});
}

TEST(GoTable, ReadsFunctionsLinesAndHeightsOfEveryLayout) {
  for (const GoTableShape& layout : {k116, k118, k120}) {
    const auto go = GoTable::parse(go_table_bytes(layout), ElfAddress{});
    ASSERT_TRUE(go) << std::hex << layout.magic;
    EXPECT_EQ(go->size(), 2u);
    EXPECT_FALSE(go->find(ElfAddress{kText - 1}));
    EXPECT_FALSE(go->find(ElfAddress{kText + 0x50}));
    const auto main = go->find(ElfAddress{kText + 0x3f});
    ASSERT_TRUE(main);
    EXPECT_EQ(go->name(*main), "main.main");
    EXPECT_EQ(go->height(*main, ElfAddress{kText}), 0u);
    EXPECT_EQ(go->height(*main, ElfAddress{kText + 4}), 32u);
    EXPECT_FALSE(go->outermost(*main));
    EXPECT_TRUE(go->outermost(*go->find(ElfAddress{kText + 0x40})));
    const auto frames = go->frames(ElfAddress{kText + 0x12});
    ASSERT_EQ(frames.size(), 1u) << "without inline data";
    EXPECT_EQ(frames[0].function, "main.main");
    EXPECT_EQ(frames[0].file, "/a/h.go");
    EXPECT_EQ(frames[0].line, 40u);
  }
}

TEST(GoTable, UnfoldsInlinedCallsOnceItKnowsWhereTheTreesAre) {
  for (const GoTableShape& layout : {k118, k120}) {
    auto go = GoTable::parse(go_table_bytes(layout), ElfAddress{});
    ASSERT_TRUE(go);
    EXPECT_EQ(go->use_inline_data(std::vector<std::byte>(64, std::byte{0x5a})), 0.0);
    EXPECT_EQ(go->use_inline_data(go_func(layout).vector()), 1.0);
    const auto frames = go->frames(ElfAddress{kText + 0x12});
    ASSERT_EQ(frames.size(), 2u);
    EXPECT_EQ(frames[0].function, "main.helper");
    EXPECT_TRUE(frames[0].inlined);
    EXPECT_EQ(frames[0].line, 40u);
    EXPECT_EQ(frames[1].function, "main.main");
    EXPECT_EQ(frames[1].file, "/a/m.go");
    EXPECT_EQ(frames[1].line, 10u);
    EXPECT_EQ(go->frames(ElfAddress{kText + 0x22}).size(), 1u);
  }
}

TEST(GoTable, TakesTheTextStartFromOutsideWhereTheTableHasNone) {
  const auto go = GoTable::parse(go_table_bytes(k120, 0), ElfAddress{kText});
  ASSERT_TRUE(go);
  EXPECT_TRUE(go->find(ElfAddress{kText + 1}));
}

TEST(GoTable, RefusesWhatIsNoTableAndSurvivesEveryTornOne) {
  EXPECT_FALSE(GoTable::parse({}, ElfAddress{}));
  for (const GoTableShape& layout : {k116, k118, k120}) {
    const auto whole = go_table_bytes(layout);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const auto go = GoTable::parse(
          {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}, ElfAddress{});
      if (go) (void)go->frames(ElfAddress{kText + 0x12});
    }
    for (std::size_t at = 0; at < whole.size(); ++at) {
      auto bent = whole;
      bent[at] ^= std::byte{0xff};
      const auto go = GoTable::parse(std::move(bent), ElfAddress{kText});
      const std::size_t deepest = go ? go->frames(ElfAddress{kText + 0x12}).size() : 0;
      EXPECT_LE(deepest, 64u);
    }
  }
}

}  // namespace
}  // namespace plumb::detect
