// SPDX-License-Identifier: Apache-2.0
// V8's strings in all their shapes, and strings that lie; the layout from constants that lie.
#include "detect/symbol/v8_heap.h"

#include <gtest/gtest.h>

#include "detect/symbol/v8_lines.h"
#include "fake_v8.h"

namespace plumb::detect {
namespace {

class V8Strings : public testing::Test {
 protected:
  V8Heap heap() const { return V8Heap(memory_, Pid{1}, *v8_layout(v8_constants())); }
  std::optional<std::string> text(std::uint64_t tagged) const { return heap().text(tagged); }
  FakeV8 memory_;
};

TEST_F(V8Strings, OfLatinAndOfUnicode) {
  EXPECT_EQ(text(memory_.string("open")), "open");
  EXPECT_EQ(text(memory_.string("")), "");
  EXPECT_EQ(text(memory_.string("caf\xe9")), "caf\u00e9");
  EXPECT_EQ(text(memory_.wide(u"\u00f6ffne\u4e2d")), "\u00f6ffne\u4e2d");
  EXPECT_EQ(text(memory_.wide(u"a\U0001f6bf")), "a\U0001f6bf");
  EXPECT_EQ(text(memory_.wide(std::u16string_view(u"a\xd83d", 2))), "a?");
  EXPECT_EQ(text(memory_.string("a\x1b[2J")), "a?[2J");
}

TEST_F(V8Strings, MadeOfOthers) {
  const std::uint64_t first = memory_.string("read");
  const std::uint64_t second = memory_.string("Settings");
  EXPECT_EQ(text(memory_.made_of(FakeV8::kCons, 12, {first, second})), "readSettings");
  EXPECT_EQ(text(memory_.made_of(FakeV8::kCons, 4, {first, memory_.string("")})), "read");
  EXPECT_EQ(text(memory_.made_of(FakeV8::kThin, 8, {second})), "Settings");
  EXPECT_EQ(text(memory_.made_of(FakeV8::kSliced, 3, {second, FakeV8::integer(3)})), "tin");
  const std::uint64_t characters = memory_.append(0x6e65706fU);
  EXPECT_EQ(text(memory_.made_of(FakeV8::kExternal, 4, {0, characters})), "open");
}

TEST_F(V8Strings, ThatLieAreNone) {
  const std::uint64_t text_of_8 = memory_.string("Settings");
  EXPECT_FALSE(text(memory_.made_of(FakeV8::kOneByte, 1 << 20, {})));
  EXPECT_FALSE(text(memory_.made_of(FakeV8::kOneByte, -1, {})));
  EXPECT_FALSE(text(memory_.made_of(FakeV8::kSliced, 6, {text_of_8, FakeV8::integer(3)})));
  EXPECT_FALSE(text(memory_.made_of(FakeV8::kSliced, 1, {text_of_8, FakeV8::integer(-1)})));
  EXPECT_FALSE(text(memory_.made_of(FakeV8::kExternal, 4, {0, 0x10})));
  EXPECT_FALSE(text(memory_.made_of(6, 4, {text_of_8})));
  EXPECT_FALSE(text(memory_.object(FakeV8::kScript, {0})));
  EXPECT_FALSE(text(0));
  EXPECT_FALSE(text(0x11));
  EXPECT_FALSE(text(~std::uint64_t{0}));
  // Of themselves.
  const std::uint64_t ring = memory_.made_of(FakeV8::kThin, 8, {0});
  memory_.set(ring, 16, ring);
  EXPECT_FALSE(text(ring));
  const std::uint64_t tree = memory_.made_of(FakeV8::kCons, 8, {0, 0});
  memory_.set(tree, 16, tree);
  memory_.set(tree, 24, tree);
  EXPECT_FALSE(text(tree));
}

TEST_F(V8Strings, HaveLinesAsJavaScriptCountsThem) {
  const V8Heap heap = this->heap();
  V8Lines lines(heap);
  const auto source = heap.characters(memory_.string("a\nb\r\nc\rd\n"));
  ASSERT_TRUE(source);
  const std::vector<std::uint32_t> expected{0, 0, 1, 1, 1, 2, 2, 3, 3};
  for (std::uint32_t at = 0; at < expected.size(); ++at) {
    EXPECT_EQ(lines.line(*source, at), expected[at]) << at;
  }
  EXPECT_FALSE(lines.line(*source, 10));
  const auto wide = heap.characters(memory_.wide(u"a\u2028b\u2029c"));
  ASSERT_TRUE(wide);
  EXPECT_EQ(lines.line(*wide, 0), 0u);
  EXPECT_EQ(lines.line(*wide, 2), 1u);
  EXPECT_EQ(lines.line(*wide, 4), 2u);
  EXPECT_FALSE(lines.line({Address{8}, 100, false}, 5));
  EXPECT_FALSE(lines.line({source->at, V8Lines::kLongestSource + 1, false}, 1));
}

TEST(V8Layout, IsThatOfTheConstants) {
  const auto layout = v8_layout(v8_constants());
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->frame.frame_function, -16);
  EXPECT_EQ(layout->frame.shared_identity, 52u);
  EXPECT_EQ(layout->script_line_offset, 24u);
}

TEST(V8Layout, IsNoneWhereAConstantIsMissingOrMakesNoSense) {
  for (const auto& [name, value] : v8_constants()) {
    if (name == "class_Script__type__SMI") continue;  // without it lines begin at the script's
    V8Constants without = v8_constants();
    without.erase(name);
    EXPECT_FALSE(v8_layout(without)) << name;
    without[name] = 1 << 30;
    EXPECT_FALSE(v8_layout(without)) << name;
  }
  V8Constants compressed = v8_constants();
  compressed["SmiShiftSize"] = 0;
  EXPECT_FALSE(v8_layout(compressed));
  V8Constants moved = v8_constants();
  moved.erase("class_Script__type__SMI");
  ASSERT_TRUE(v8_layout(moved));
  EXPECT_FALSE(v8_layout(moved)->script_line_offset);
  V8Constants later = v8_constants();
  later.erase("class_SharedFunctionInfo__script_or_debug_info__HeapObject");
  later["class_SharedFunctionInfo__script__HeapObject"] = 40;
  ASSERT_TRUE(v8_layout(later));
  EXPECT_EQ(v8_layout(later)->frame.shared_script, 40u);
}

}  // namespace
}  // namespace plumb::detect
