// SPDX-License-Identifier: Apache-2.0
// Decoding of the tracing programs' records.
#include "detect/source/trace_decode.h"

#include <algorithm>
#include <cstring>

#include "detect/record/resource_kind.h"

namespace plumb::detect {
namespace {

// The programs write record::Kind's numbers; the last one pins the order of all.
static_assert(static_cast<int>(Kind::kFile) == abi::kKindFile);
static_assert(static_cast<int>(Kind::kPty) == abi::kKindPty);
static_assert(static_cast<int>(Kind::kUnix) == abi::kKindUnix);
static_assert(static_cast<int>(Kind::kSocket) == abi::kKindSocket);
static_assert(static_cast<int>(Kind::kPidfd) == abi::kKindPidfd);
static_assert(static_cast<int>(Kind::kDmabuf) == abi::kKindDmabuf);
static_assert(static_cast<int>(Kind::kMountContext) == abi::kKindMountContext);
static_assert(static_cast<int>(Kind::kMapping) == abi::kKindMapping);
static_assert(static_cast<int>(Kind::kHeap) == abi::kKindHeap);
static_assert(static_cast<int>(Kind::kThread) == abi::kKindThread);
static_assert(static_cast<int>(Kind::kChild) == abi::kKindChild);
static_assert(static_cast<int>(Kind::kPair) == abi::kKindPair);
static_assert(static_cast<int>(Kind::kProbe) == abi::kKindProbe);

BootTime time_of(std::uint64_t nanoseconds) {
  return BootTime(std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds)));
}

Kind kind_of(std::uint8_t written) {
  const bool known = written <= abi::kKindMountContext || resource_kind(Kind{written}) != nullptr;
  return known ? Kind{written} : Kind::kUnknown;
}

template <typename Record>
std::optional<Record> as(std::span<const std::byte> bytes) {
  if (bytes.size() < sizeof(Record)) return std::nullopt;
  Record record;
  std::memcpy(&record, bytes.data(), sizeof(record));
  return record;
}

V8Sample v8_sample(const abi::trace_v8_frame& frame, std::uint64_t sp) {
  constexpr std::uint32_t kByPointer = 0xffff;
  V8Sample sample{Address{frame.shared}, Address{frame.script}, frame.shape >> 16U,
                  frame.identity,        std::nullopt,          Address{}};
  const auto index = static_cast<std::uint32_t>(frame.shape & kByPointer);
  if (index != kByPointer) {
    sample.frame = index;
  } else {
    sample.frame_pointer = Address{sp} + frame.pointer;
  }
  return sample;
}

std::optional<TraceEvent> stack_event(std::span<const std::byte> bytes) {
  if (bytes.size() < abi::kTraceShortStack) return std::nullopt;
  abi::trace_stack whole{};
  std::memcpy(&whole, bytes.data(), std::min(bytes.size(), sizeof(whole)));
  const abi::trace_stack* record = &whole;
  if (record->frames > abi::kTraceFrames) return std::nullopt;
  const bool has_scripts = bytes.size() >= sizeof(whole);
  if (record->python_frames > (has_scripts ? abi::kTracePythonFrames : 0)) return std::nullopt;
  if (record->v8_frames > (has_scripts ? abi::kTraceV8Frames : 0)) return std::nullopt;
  if (record->python_frames > 0 && record->v8_frames > 0) return std::nullopt;
  StackEvent event;
  event.origin = OriginId{record->origin};
  event.pid = Pid{record->head.pid};
  event.tid = Tid{record->head.tid};
  event.space = SpaceId{record->head.space};
  event.time = time_of(record->head.time);
  event.call = record->call;
  event.kind = kind_of(record->kind);
  event.cut = record->cut != 0;
  const abi::trace_registers& r = record->registers;
  event.registers = {r.ip, r.sp, r.bp, r.bx, r.r12, r.r13, r.r14, r.r15};
  for (std::uint32_t i = 0; i < record->frames; ++i) {
    event.addresses.push_back(Address{record->addresses[i]});
  }
  for (const abi::trace_python_frame& frame :
       std::span(record->python).first(record->python_frames)) {
    event.python.push_back({Address{frame.code}, Address{frame.instruction & ~std::uint64_t{1}},
                            (frame.instruction & 1U) != 0});
  }
  for (const abi::trace_v8_frame& frame : std::span(record->v8).first(record->v8_frames)) {
    event.v8.push_back(v8_sample(frame, r.sp));
  }
  const auto copy = bytes.subspan(std::min(bytes.size(), sizeof(whole)));
  const auto copied = copy.first(std::min<std::size_t>(copy.size(), record->copied));
  event.copy.assign(copied.begin(), copied.end());
  if (record->aside != 0 && copy.size() > abi::kTraceCopyAside) {
    const auto rest = copy.subspan(abi::kTraceCopyAside);
    const auto aside = rest.first(std::min<std::size_t>(rest.size(), record->aside_copied));
    event.interrupted_at = Address{record->aside};
    event.interrupted.assign(aside.begin(), aside.end());
  }
  return event;
}

std::optional<TraceEvent> process_event(std::span<const std::byte> bytes, ProcessEvent::What what) {
  const auto record = as<abi::trace_process>(bytes);
  if (!record) return std::nullopt;
  ProcessEvent event;
  event.what = what;
  event.pid = Pid{record->head.pid};
  event.tid = Tid{record->head.tid};
  event.parent = Pid{record->parent};
  event.space = SpaceId{record->head.space};
  event.table = TableId{record->table};
  event.old_table = TableId{record->old_table};
  event.status = record->status;
  event.time = time_of(record->head.time);
  event.start = time_of(record->start);
  event.name.assign(record->name, ::strnlen(record->name, sizeof(record->name)));
  return event;
}

std::optional<TraceEvent> closed_event(std::span<const std::byte> bytes) {
  const auto record = as<abi::trace_closed>(bytes);
  if (!record) return std::nullopt;
  ClosedEvent event;
  event.holding = to_fact(record->key, record->holding);
  event.pid = Pid{record->head.pid};
  event.tid = Tid{record->head.tid};
  event.time = time_of(record->head.time);
  event.closer = OriginId{record->closer};
  event.call = record->call;
  if (record->why > abi::kTraceClosedSuspect) return std::nullopt;
  event.why = ClosedEvent::Why{static_cast<std::uint8_t>(record->why)};
  return event;
}

std::optional<TraceEvent> listener_event(std::span<const std::byte> bytes) {
  const auto record = as<abi::trace_listener>(bytes);
  if (!record) return std::nullopt;
  ListenerEvent event;
  event.pid = Pid{record->head.pid};
  event.table = TableId{record->key.table};
  event.fd = Fd{record->key.fd};
  event.file = FileId{record->file};
  event.family = record->family;
  event.port = record->port;
  std::copy_n(record->address, event.address.size(), event.address.begin());
  event.time = time_of(record->head.time);
  return event;
}

}  // namespace

std::optional<TraceEvent> decode(std::span<const std::byte> bytes) {
  const auto head = as<abi::trace_event>(bytes);
  if (!head) return std::nullopt;
  switch (head->type) {
    case abi::kTraceEventStack:
      return stack_event(bytes);
    case abi::kTraceEventFork:
      return process_event(bytes, ProcessEvent::What::kFork);
    case abi::kTraceEventExec:
      return process_event(bytes, ProcessEvent::What::kExec);
    case abi::kTraceEventExit:
      return process_event(bytes, ProcessEvent::What::kExit);
    case abi::kTraceEventUnshare:
      return process_event(bytes, ProcessEvent::What::kUnshare);
    case abi::kTraceEventCode:
      return process_event(bytes, ProcessEvent::What::kCode);
    case abi::kTraceEventListener:
      return listener_event(bytes);
    case abi::kTraceEventClosed:
      return closed_event(bytes);
    default:
      return std::nullopt;
  }
}

LiveHolding to_fact(const abi::trace_holding_key& key, const abi::trace_holding& holding) {
  LiveHolding fact;
  fact.table = TableId{key.table};
  fact.fd = Fd{key.fd};
  fact.file = FileId{holding.file};
  fact.born = time_of(holding.born);
  fact.origin = OriginId{holding.origin};
  fact.tid = Tid{holding.tid};
  fact.call = holding.call;
  fact.kind = kind_of(holding.kind);
  fact.listener = (holding.flags & abi::kTraceListener) != 0;
  fact.inherited = (holding.flags & abi::kTraceInherited) != 0;
  return fact;
}

LiveHolding to_fact(const abi::trace_resource_key& key, const abi::trace_resource& resource) {
  LiveHolding fact;
  fact.table = TableId{key.table};
  fact.fd = kNoFd;
  fact.file = FileId{key.identity};
  fact.born = time_of(resource.born);
  fact.origin = OriginId{resource.origin};
  fact.tid = Tid{resource.tid};
  fact.call = resource.call;
  fact.kind = key.kind <= 0xff ? kind_of(static_cast<std::uint8_t>(key.kind)) : Kind::kUnknown;
  fact.bytes = resource.bytes;
  fact.weight = resource.weight;
  fact.ended = resource.ended != 0;
  return fact;
}

}  // namespace plumb::detect
