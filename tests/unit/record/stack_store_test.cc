// SPDX-License-Identifier: Apache-2.0
#include "detect/record/stack_store.h"

#include <gtest/gtest.h>

#include <array>

namespace plumb::detect {
namespace {

Frame named(const char* function) {
  Frame frame;
  frame.function = function;
  return frame;
}

TEST(StackStore, KeepsSharedCallersOnce) {
  StackStore store;
  const FrameId main = store.intern(named("main"));
  const FrameId serve = store.intern(named("serve"));
  const FrameId open = store.intern(named("open"));
  const FrameId socket = store.intern(named("socket"));
  const StackNode first = store.add(std::array{open, serve, main});
  const StackNode second = store.add(std::array{socket, serve, main});
  EXPECT_NE(first, second);
  EXPECT_EQ(store.node_count(), 1u + 4u);
  EXPECT_EQ(store.frames(first), (std::vector{open, serve, main}));
  EXPECT_EQ(store.frames(second), (std::vector{socket, serve, main}));
  EXPECT_EQ(store.add(std::array{open, serve, main}), first);
  EXPECT_EQ(store.frame(open).function, "open");
}

TEST(StackStore, AStackWithoutFramesIsTheEmptyOne) {
  StackStore store;
  EXPECT_EQ(store.add({}), StackStore::kEmpty);
  EXPECT_TRUE(store.frames(StackStore::kEmpty).empty());
}

TEST(StackStore, TellsFramesApartByEveryField) {
  StackStore store;
  const FrameId plain = store.intern(named("f"));
  Frame other = named("f");
  other.line = 7;
  EXPECT_NE(store.intern(other), plain);
  other = named("f");
  other.function_offset = 4;
  EXPECT_NE(store.intern(other), plain);
  EXPECT_EQ(store.intern(named("f")), plain);
  EXPECT_EQ(store.frame_count(), 3u);
}

}  // namespace
}  // namespace plumb::detect
