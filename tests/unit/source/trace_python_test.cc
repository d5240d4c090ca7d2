// SPDX-License-Identifier: Apache-2.0
// Python frames in the tracing programs' records.
#include <gtest/gtest.h>

#include <memory>
#include <span>

#include "detect/source/bpf/trace_abi.h"
#include "detect/source/trace_decode.h"

namespace plumb::detect {
namespace {

std::optional<TraceEvent> decoded(const abi::trace_stack& record) {
  return decode(std::as_bytes(std::span(&record, 1)));
}

TEST(TracePython, FramesComeWithTheirInstructionAndTheBeginningsOfRuns) {
  const auto record = std::make_unique<abi::trace_stack>();
  record->head.type = abi::kTraceEventStack;
  record->frames = 1;
  record->addresses[0] = 0x1000;
  record->python_frames = 2;
  record->python[0] = {0x7000, 0x7010};
  record->python[1] = {0x8000, 0x8021};
  const auto event = decoded(*record);
  ASSERT_TRUE(event);
  const auto& python = std::get<StackEvent>(*event).python;
  ASSERT_EQ(python.size(), 2u);
  EXPECT_EQ(python[0].code, Address{0x7000});
  EXPECT_EQ(python[0].instruction, Address{0x7010});
  EXPECT_FALSE(python[0].entry);
  EXPECT_EQ(python[1].instruction, Address{0x8020});
  EXPECT_TRUE(python[1].entry);
}

TEST(TracePython, MoreFramesThanThereIsRoomForAreNoRecord) {
  const auto record = std::make_unique<abi::trace_stack>();
  record->head.type = abi::kTraceEventStack;
  record->frames = 1;
  record->python_frames = abi::kTracePythonFrames;
  EXPECT_TRUE(decoded(*record));
  record->python_frames = abi::kTracePythonFrames + 1;
  EXPECT_FALSE(decoded(*record));
}

}  // namespace
}  // namespace plumb::detect
