// SPDX-License-Identifier: Apache-2.0
// From the tracing programs' records to events. What comes over the ring buffer is taken for
// hostile: lengths and numbers that do not fit are refused or cut.
#include "detect/source/trace_decode.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace plumb::detect {
namespace {

template <typename Record>
std::vector<std::byte> bytes_of(const Record& record) {
  std::vector<std::byte> bytes(sizeof(record));
  std::memcpy(bytes.data(), &record, sizeof(record));
  return bytes;
}

abi::trace_stack stack_record(std::uint32_t frames) {
  abi::trace_stack record{};
  record.head = {abi::kTraceEventStack, 812, 813, 7, 5'000'000'000};
  record.origin = 16;
  record.call = 2;
  record.kind = abi::kKindFile;
  record.frames = frames;
  record.registers.ip = 0x1000;
  record.registers.sp = 0x7ff0;
  record.addresses[0] = 0x1000;
  record.addresses[1] = 0x2000;
  return record;
}

TEST(TraceDecode, AStackWithItsCopy) {
  auto record = stack_record(2);
  record.copied = 16;
  auto bytes = bytes_of(record);
  bytes.resize(bytes.size() + abi::kTraceCopyBytes, std::byte{0x5a});
  const auto event = decode(bytes);
  ASSERT_TRUE(event);
  const auto& stack = std::get<StackEvent>(*event);
  EXPECT_EQ(stack.pid, Pid{812});
  EXPECT_EQ(stack.tid, Tid{813});
  EXPECT_EQ(stack.space, SpaceId{7});
  EXPECT_EQ(stack.time, BootTime(std::chrono::seconds(5)));
  EXPECT_EQ(stack.kind, Kind::kFile);
  EXPECT_EQ(stack.addresses, (std::vector{Address{0x1000}, Address{0x2000}}));
  EXPECT_EQ(stack.copy, std::vector(16, std::byte{0x5a}));
}

TEST(TraceDecode, AStackWithACopyOfTheOneThatASignalInterrupted) {
  auto record = stack_record(1);
  record.copied = 32;
  record.aside = 0x9000;
  record.aside_copied = 24;
  auto bytes = bytes_of(record);
  bytes.resize(bytes.size() + abi::kTraceCopyAside, std::byte{0x11});
  EXPECT_TRUE(std::get<StackEvent>(*decode(bytes)).interrupted.empty());
  bytes.resize(sizeof(record) + abi::kTraceCopyBytes, std::byte{0x22});
  const auto event = decode(bytes);
  ASSERT_TRUE(event);
  const auto& stack = std::get<StackEvent>(*event);
  EXPECT_EQ(stack.copy, std::vector(32, std::byte{0x11}));
  EXPECT_EQ(stack.interrupted_at, Address{0x9000});
  EXPECT_EQ(stack.interrupted, std::vector(24, std::byte{0x22}));
}

TEST(TraceDecode, ACopyIsNoLongerThanItsRecord) {
  auto record = stack_record(1);
  record.copied = 0xffffffff;
  auto bytes = bytes_of(record);
  bytes.resize(bytes.size() + 24);
  const auto event = decode(bytes);
  ASSERT_TRUE(event);
  EXPECT_EQ(std::get<StackEvent>(*event).copy.size(), 24U);
}

TEST(TraceDecode, MoreFramesThanThereIsRoomForAreNoStack) {
  EXPECT_TRUE(decode(bytes_of(stack_record(abi::kTraceFrames))));
  EXPECT_FALSE(decode(bytes_of(stack_record(abi::kTraceFrames + 1))));
  EXPECT_FALSE(decode(bytes_of(stack_record(0xffffffff))));
}

TEST(TraceDecode, AKindThatIsNoneIsUnknown) {
  auto record = stack_record(1);
  record.kind = 100;
  const auto event = decode(bytes_of(record));
  ASSERT_TRUE(event);
  EXPECT_EQ(std::get<StackEvent>(*event).kind, Kind::kUnknown);
  abi::trace_holding holding{};
  holding.kind = abi::kKindMountContext + 1;
  EXPECT_EQ(to_fact({}, holding).kind, Kind::kUnknown);
}

TEST(TraceDecode, AResourceHasItsIdentityInTheFilesPlace) {
  const abi::trace_resource_key key{0x7f0000001000, 3, abi::kKindMapping};
  const abi::trace_resource resource{77, 8192, 40, 12, 5, 9, 0};
  const LiveHolding fact = to_fact(key, resource);
  EXPECT_EQ(fact.table, TableId{3});
  EXPECT_EQ(fact.fd, kNoFd);
  EXPECT_EQ(fact.file, FileId{0x7f0000001000});
  EXPECT_EQ(fact.kind, Kind::kMapping);
  EXPECT_EQ(fact.bytes, 8192U);
  EXPECT_EQ(fact.weight, 5U);
  EXPECT_EQ(fact.origin, OriginId{40});
  EXPECT_EQ(to_fact({1, 2, abi::kKindPair + 3}, resource).kind,
            Kind{static_cast<std::uint8_t>(abi::kKindPair + 3)});
  for (const std::uint32_t kind : {63U, 100U, 0x140U, 0xffffffffU}) {
    EXPECT_EQ(to_fact({1, 2, kind}, resource).kind, Kind::kUnknown);
  }
}

TEST(TraceDecode, ANameNeedNotEnd) {
  abi::trace_process record{};
  record.head.type = abi::kTraceEventFork;
  std::memset(record.name, 'x', sizeof(record.name));
  const auto event = decode(bytes_of(record));
  ASSERT_TRUE(event);
  EXPECT_EQ(std::get<ProcessEvent>(*event).name, std::string(sizeof(record.name), 'x'));
}

TEST(TraceDecode, EachProcessEventIsWhatItsTypeSays) {
  using What = ProcessEvent::What;
  const std::pair<std::uint32_t, What> types[] = {{abi::kTraceEventFork, What::kFork},
                                                  {abi::kTraceEventExec, What::kExec},
                                                  {abi::kTraceEventExit, What::kExit},
                                                  {abi::kTraceEventUnshare, What::kUnshare},
                                                  {abi::kTraceEventCode, What::kCode}};
  for (const auto& [type, what] : types) {
    abi::trace_process record{};
    record.head = {type, 9, 10, 3, 1};
    record.table = 5;
    record.old_table = 4;
    record.status = 256;
    const auto event = decode(bytes_of(record));
    ASSERT_TRUE(event);
    const auto& process = std::get<ProcessEvent>(*event);
    EXPECT_EQ(process.what, what);
    EXPECT_EQ(process.table, TableId{5});
    EXPECT_EQ(process.old_table, TableId{4});
    EXPECT_EQ(process.status, 256);
  }
}

TEST(TraceDecode, AClosedListenerAndItsListening) {
  abi::trace_closed closed{};
  closed.head.type = abi::kTraceEventClosed;
  closed.key = {3, 17};
  closed.holding.file = 0xabc;
  closed.holding.kind = abi::kKindTcp;
  closed.holding.flags = abi::kTraceListener;
  closed.closer = 40;
  closed.call = 3;
  const auto event = decode(bytes_of(closed));
  ASSERT_TRUE(event);
  const auto& close = std::get<ClosedEvent>(*event);
  EXPECT_EQ(close.holding.fd, Fd{17});
  EXPECT_TRUE(close.holding.listener);
  EXPECT_FALSE(close.holding.inherited);
  EXPECT_EQ(close.closer, OriginId{40});

  abi::trace_listener listener{};
  listener.head.type = abi::kTraceEventListener;
  listener.key = {3, 17};
  listener.family = 2;
  listener.port = 8080;
  listener.address[0] = 127;
  const auto listening = decode(bytes_of(listener));
  ASSERT_TRUE(listening);
  EXPECT_EQ(std::get<ListenerEvent>(*listening).port, 8080);
  EXPECT_EQ(std::get<ListenerEvent>(*listening).address[0], 127);
}

TEST(TraceDecode, ARecordThatIsShorterThanItsTypeIsNone) {
  const auto whole = bytes_of(stack_record(1));
  abi::trace_process process{};
  process.head.type = abi::kTraceEventExit;
  const auto exit = bytes_of(process);
  for (std::size_t size = 0; size < abi::kTraceShortStack; ++size) {
    EXPECT_FALSE(decode(std::span(whole).first(size))) << size;
  }
  for (std::size_t size = 0; size < exit.size(); ++size) {
    EXPECT_FALSE(decode(std::span(exit).first(size))) << size;
  }
}

TEST(TraceDecode, AStackWithoutPythonFramesMayEndBeforeThem) {
  auto record = stack_record(2);
  const auto whole = bytes_of(record);
  const auto event = decode(std::span(whole).first(abi::kTraceShortStack));
  ASSERT_TRUE(event);
  EXPECT_EQ(std::get<StackEvent>(*event).addresses.size(), 2U);
  EXPECT_TRUE(std::get<StackEvent>(*event).copy.empty());
  record.python_frames = 1;
  const auto liar = bytes_of(record);
  EXPECT_FALSE(decode(std::span(liar).first(abi::kTraceShortStack)));
  EXPECT_TRUE(decode(liar));
}

TEST(TraceDecode, ATypeThatIsNoneIsNone) {
  for (const std::uint32_t type : {0U, 9U, 0xffffffffU}) {
    abi::trace_closed record{};
    record.head.type = type;
    EXPECT_FALSE(decode(bytes_of(record)));
  }
}

}  // namespace
}  // namespace plumb::detect
