// SPDX-License-Identifier: Apache-2.0
// JavaScript functions in the tracing programs' records.
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

std::unique_ptr<abi::trace_stack> stack_of_one() {
  auto record = std::make_unique<abi::trace_stack>();
  record->head.type = abi::kTraceEventStack;
  record->frames = 1;
  record->addresses[0] = 0x1000;
  return record;
}

TEST(TraceV8, FunctionsComeWithTheirFrameOrItsPointer) {
  const auto record = stack_of_one();
  record->registers.sp = 0x7000;
  record->v8_frames = 2;
  record->v8[0] = {0x1001, 0x2001, (0xabcULL << 16U) | 5, 7, 0};
  record->v8[1] = {0x3001, 0x2001, 0xffff, 8, 0x40};
  const auto event = decoded(*record);
  ASSERT_TRUE(event);
  const auto& v8 = std::get<StackEvent>(*event).v8;
  ASSERT_EQ(v8.size(), 2u);
  EXPECT_EQ(v8[0], (V8Sample{Address{0x1001}, Address{0x2001}, 0xabc, 7, 5U, Address{}}));
  EXPECT_EQ(v8[1],
            (V8Sample{Address{0x3001}, Address{0x2001}, 0, 8, std::nullopt, Address{0x7040}}));
}

TEST(TraceV8, MoreFunctionsThanThereIsRoomForAreNoRecord) {
  const auto record = stack_of_one();
  record->v8_frames = abi::kTraceV8Frames;
  EXPECT_TRUE(decoded(*record));
  record->v8_frames = abi::kTraceV8Frames + 1;
  EXPECT_FALSE(decoded(*record));
}

TEST(TraceV8, ARecordHoldsTheFramesOfOneInterpreter) {
  const auto record = stack_of_one();
  record->v8_frames = 1;
  record->python_frames = 1;
  EXPECT_FALSE(decoded(*record));
}

TEST(TraceV8, AShortRecordHasNone) {
  const auto record = stack_of_one();
  const auto bytes = std::as_bytes(std::span(record.get(), 1)).first(abi::kTraceShortStack);
  EXPECT_TRUE(decode(bytes));
  record->v8_frames = 1;
  EXPECT_FALSE(decode(bytes));
}

}  // namespace
}  // namespace plumb::detect
