// SPDX-License-Identifier: Apache-2.0
// Go tables of each layout, written here after src/runtime/symtab.go.
#include "detect/symbol/go_table.h"

#include <gtest/gtest.h>

#include "bytes.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kText = 0x401000;

struct Layout {
  std::uint32_t magic;
  bool relative;    // functab and _func count from the start of the text (1.18)
  bool start_line;  // _func has one (1.20)
};

// Two functions: main.main of 0x40 bytes, with main.helper inlined at [0x10, 0x20), and
// runtime.goexit of 0x10 bytes.
std::vector<std::byte> table(const Layout& layout, std::uint64_t stored_text = kText) {
  // Names by offset: 0 main.main, 10 runtime.goexit, 25 main.helper
  const Bytes names = Bytes().text("main.main").text("runtime.goexit").text("main.helper");
  const Bytes units = Bytes().put(std::uint32_t{0}).put(std::uint32_t{8});
  const Bytes files = Bytes().text("/a/m.go").text("/a/h.go");
  // Programs of (value delta, address delta), the first value from -1; offset 0 means none.
  const Bytes values = Bytes()
                           .octets({0})
                           .octets({2, 4, 64, 0x3c, 0})                // 1: height 0, then 32
                           .octets({2, 0x10, 2, 0x10, 1, 0x20, 0})     // 6: file 0, 1, 0
                           .octets({22, 0x10, 60, 0x10, 59, 0x20, 0})  // 13: line 10, 40, 10
                           .octets({0, 0x10, 2, 0x10, 1, 0x20, 0})  // 20: no call, call 0, no call
                           .octets({2, 0x10, 0});                   // 27: height 0
  const auto record = [&layout](std::uint64_t entry, std::uint32_t name, std::uint32_t pcsp,
                                bool inlines) {
    Bytes bytes;
    if (layout.relative) {
      bytes.put(static_cast<std::uint32_t>(entry - kText));
    } else {
      bytes.put(entry);
    }
    bytes.put(name).put(std::uint32_t{0}).put(std::uint32_t{0}).put(pcsp);
    bytes.put(std::uint32_t{6}).put(std::uint32_t{13}).put(std::uint32_t{inlines ? 3U : 0U});
    bytes.put(std::uint32_t{0});
    if (layout.start_line) bytes.put(std::uint32_t{9});
    bytes.octets({0, 0, 0, inlines ? 4 : 0});
    if (inlines) {
      bytes.put(std::uint32_t{0}).put(std::uint32_t{0}).put(std::uint32_t{20});
      for (const std::uint32_t offset : {~0U, ~0U, ~0U, 8U}) bytes.put(offset);
    }
    return bytes;
  };
  const Bytes main = record(kText, 0, 1, layout.relative);
  const Bytes goexit = record(kText + 0x40, 10, 27, false);
  const std::uint32_t functab_size = layout.relative ? 20 : 40;
  Bytes functab;
  const auto row = [&](std::uint64_t pc, std::uint32_t offset) {
    if (layout.relative) {
      functab.put(static_cast<std::uint32_t>(pc - kText)).put(offset);
    } else {
      functab.put(pc).put(std::uint64_t{offset});
    }
  };
  row(kText, functab_size);
  row(kText + 0x40, functab_size + static_cast<std::uint32_t>(main.size()));
  if (layout.relative) {
    functab.put(std::uint32_t{0x50});
  } else {
    functab.put(kText + 0x50);
  }

  Bytes bytes = Bytes().put(layout.magic).octets({0, 0, 1, 8});
  bytes.put(std::uint64_t{2}).put(std::uint64_t{2});
  if (layout.relative) bytes.put(stored_text);
  std::uint64_t at = bytes.size() + 5 * 8;
  for (const Bytes* part : {&names, &units, &files, &values}) {
    bytes.put(at);
    at += part->size();
  }
  bytes.put(at);
  for (const Bytes* part : {&names, &units, &files, &values}) bytes.append(part->view());
  if (!layout.relative) functab.append({});
  bytes.append(functab.view()).append(main.view()).append(goexit.view());
  return bytes.vector();
}

constexpr Layout k116{0xfffffffa, false, false};
constexpr Layout k118{0xfffffff0, true, false};
constexpr Layout k120{0xfffffff1, true, true};

// What function data count from; the inlining tree of main.main stands at 8.
Bytes go_func(const Layout& layout) {
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
  for (const Layout& layout : {k116, k118, k120}) {
    const auto go = GoTable::parse(table(layout), ElfAddress{});
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
  for (const Layout& layout : {k118, k120}) {
    auto go = GoTable::parse(table(layout), ElfAddress{});
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
  const auto go = GoTable::parse(table(k120, 0), ElfAddress{kText});
  ASSERT_TRUE(go);
  EXPECT_TRUE(go->find(ElfAddress{kText + 1}));
}

TEST(GoTable, RefusesWhatIsNoTableAndSurvivesEveryTornOne) {
  EXPECT_FALSE(GoTable::parse({}, ElfAddress{}));
  for (const Layout& layout : {k116, k118, k120}) {
    const auto whole = table(layout);
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
