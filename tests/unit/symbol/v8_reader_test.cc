// SPDX-License-Identifier: Apache-2.0
// JavaScript functions by V8's heap: names and lines as the source has them; what was moved, freed
// or made up has no name.
#include "detect/symbol/v8_reader.h"

#include <gtest/gtest.h>

#include "fake_v8.h"

namespace plumb::detect {
namespace {

constexpr std::string_view kSource =
    "const fs = require('fs');\n"
    "\r\n"
    "function readSettings(path) {\n"
    "  return fs.openSync(path);\n"
    "}\n"
    "const open = (x) => readSettings(x);\n";

class V8Functions : public testing::Test {
 protected:
  static std::int32_t at(std::string_view what) {
    return static_cast<std::int32_t>(kSource.find(what));
  }
  V8Reader reader() const { return V8Reader(heap_, Pid{1}, *v8_layout(v8_constants())); }
  V8Sample sample(std::uint64_t scope) {
    const std::uint64_t shared = heap_.shared(scope, script_, 0x5, 9);
    return {Address{shared}, Address{script_}, 0x5, 9, 0U, Address{}};
  }
  static std::uint64_t integer(std::int32_t value) { return FakeV8::integer(value); }

  FakeV8 heap_;
  std::uint64_t script_ = heap_.script(heap_.string(kSource), heap_.string("/srv/app.js"));
  std::uint64_t name_ = heap_.string("readSettings");
  std::int32_t start_ = at("(path)");
  std::int32_t end_ = at("}\nconst") + 1;
};

TEST_F(V8Functions, HaveNameFileAndTheLineWhereTheyBegin) {
  const auto found =
      reader().name(sample(heap_.scope(2, {name_, integer(0), integer(start_), integer(end_)})));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, FrameKind::kJit);
  EXPECT_EQ(found->function, "readSettings");
  EXPECT_EQ(found->file, "/srv/app.js");
  EXPECT_EQ(found->line, 3u);
}

TEST_F(V8Functions, OfManyVariablesAreFoundBehindThem) {
  const auto found =
      reader().name(sample(heap_.scope(80, {name_, integer(0), integer(start_), integer(end_)})));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->function, "readSettings");
  EXPECT_EQ(found->line, 3u);
}

TEST_F(V8Functions, WithoutANameHaveTheInferredOneOrNone) {
  const std::uint64_t empty = heap_.string("");
  const std::uint64_t inferred = heap_.string("exports.open");
  const std::int32_t start = at("(x) =>");
  const std::int32_t end = at("(x);\n") + 3;
  auto found = reader().name(
      sample(heap_.scope(0, {empty, integer(0), inferred, integer(start), integer(end)})));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->function, "exports.open");
  EXPECT_EQ(found->line, 6u);
  // What is kept of a name is a number before the place.
  found = reader().name(
      sample(heap_.scope(0, {heap_.string("open"), integer(0), integer(start), integer(end)})));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->function, "open");
  EXPECT_EQ(found->line, 6u);
  found = reader().name(sample(heap_.scope(0, {integer(start), integer(end)})));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->function, "(anonymous)");
}

TEST_F(V8Functions, TheFilesOwnCodeIsItsScript) {
  const auto all = static_cast<std::int32_t>(kSource.size());
  const auto found = reader().name(sample(heap_.scope(1, {integer(0), integer(all)})));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->function, "(script)");
  EXPECT_EQ(found->line, 1u);
}

TEST_F(V8Functions, APlaceWhereTheSourceHasNoFunctionIsNoLine) {
  for (const auto& [start, end] : std::vector<std::pair<std::int32_t, std::int32_t>>{
           {1, 1 << 30}, {-4, end_}, {end_, start_}, {at("\n\r"), end_}}) {
    const auto found =
        reader().name(sample(heap_.scope(0, {name_, integer(0), integer(start), integer(end)})));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->function, "readSettings");
    EXPECT_FALSE(found->line) << start;
  }
}

TEST_F(V8Functions, NotCompiledHaveTheirNameAlone) {
  const auto found = reader().name(sample(name_));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->function, "readSettings");
  EXPECT_FALSE(found->line);
}

TEST_F(V8Functions, OfAScriptWithinAnotherFileCountFromThere) {
  script_ = heap_.script(heap_.string(kSource), heap_.string("/srv/page.html"), 40);
  const auto found =
      reader().name(sample(heap_.scope(0, {name_, integer(0), integer(start_), integer(end_)})));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->line, 43u);
}

TEST_F(V8Functions, OfEvalAreNamedByIt) {
  script_ = heap_.script(heap_.string(kSource), integer(0));
  const auto found = reader().name(sample(name_));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->file, "(eval)");
}

TEST_F(V8Functions, AreNoneWhereTheCollectorWasFaster) {
  const V8Sample good = sample(name_);
  V8Sample other = good;
  other.script = Address{script_ + 8};
  EXPECT_FALSE(reader().name(other));
  other = good;
  other.shape = 6;
  EXPECT_FALSE(reader().name(other));
  other = good;
  other.identity = 10;
  EXPECT_FALSE(reader().name(other));
  other = good;
  other.shared = Address{0x7fff'0000'0001};
  EXPECT_FALSE(reader().name(other));
  heap_.set(number(good.shared), 0, heap_.map_of(FakeV8::kScript));
  EXPECT_FALSE(reader().name(good));
}

TEST_F(V8Functions, KeepTheirNamesWhenTheyAreGone) {
  V8Reader known = reader();
  const V8Sample found = sample(name_);
  ASSERT_TRUE(known.name(found));
  heap_.set(number(found.shared), 0, 0);
  EXPECT_TRUE(known.name(found));
  V8Reader moved = std::move(known);
  EXPECT_TRUE(moved.name(found));
}

TEST_F(V8Functions, OfV8ItselfHaveNoScriptAndNoName) {
  script_ = heap_.object(131, {});  // undefined
  EXPECT_FALSE(reader().name(sample(name_)));
}

TEST_F(V8Functions, StandInTheirFramesWhetherWalkedOrFoundInTheCopy) {
  WalkedStack walked;
  walked.addresses = {Address{1}, Address{2}, Address{3}, Address{4}};
  walked.bare = {{1, Address{0x7010}}, {3, Address{0x7080}}};
  V8Sample by_index = sample(name_);
  by_index.frame = 1;
  V8Sample by_pointer = sample(heap_.string("openValid"));
  by_pointer.frame.reset();
  by_pointer.frame_pointer = Address{0x7080};
  V8Sample again = by_index;  // the frame at which the kernel stopped is also in the copy
  again.frame.reset();
  again.frame_pointer = Address{0x7010};
  V8Sample stray = by_pointer;
  stray.frame_pointer = Address{0x7050};
  V8Sample beyond = by_index;
  beyond.frame = 4;
  V8Reader names = reader();
  const auto named = name_v8_frames(names, {by_index, stray, again, by_pointer, beyond}, walked);
  ASSERT_EQ(named.size(), 2u);
  EXPECT_EQ(named[0].index, 1u);
  EXPECT_EQ(named[0].frame.function, "readSettings");
  EXPECT_EQ(named[1].index, 3u);
  EXPECT_EQ(named[1].frame.function, "openValid");
}

}  // namespace
}  // namespace plumb::detect
