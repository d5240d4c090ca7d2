// SPDX-License-Identifier: Apache-2.0
// Decoding of runtime.g.
#include "detect/symbol/go_raw.h"

#include <array>
#include <cstring>

namespace plumb::detect {
namespace {

constexpr std::uint32_t kScan = 0x1000;  // _Gscan: the collector looks at its stack
constexpr std::uint64_t kLargestStack = 2ULL << 30U;
constexpr std::uint64_t kMostIds = 1ULL << 48U;

template <typename T>
T field(std::span<const std::byte> bytes, std::uint16_t at) {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

}  // namespace

GoroutineState RawGoroutine::state() const {
  // 5 and 7 are unused; 10 and 11 (an ended one of a C thread) came with Go 1.26.
  constexpr std::array kStates = {
      GoroutineState::kIdle,      GoroutineState::kRunnable, GoroutineState::kRunning,
      GoroutineState::kSyscall,   GoroutineState::kWaiting,  GoroutineState::kUnknown,
      GoroutineState::kDead,      GoroutineState::kUnknown,  GoroutineState::kCopyStack,
      GoroutineState::kPreempted, GoroutineState::kLeaked,   GoroutineState::kDead};
  const std::uint32_t plain = status & ~kScan;
  return plain < kStates.size() ? kStates[plain] : GoroutineState::kUnknown;
}

bool RawGoroutine::parked() const {
  switch (state()) {
    case GoroutineState::kRunnable:
    case GoroutineState::kSyscall:
    case GoroutineState::kWaiting:
    case GoroutineState::kPreempted:
    case GoroutineState::kLeaked:
      return walk_sp() >= stack_lo && walk_sp() < stack_hi;
    case GoroutineState::kIdle:
    case GoroutineState::kRunning:
    case GoroutineState::kDead:
    case GoroutineState::kCopyStack:
    case GoroutineState::kUnknown:
      break;
  }
  return false;
}

bool RawGoroutine::same_place(const RawGoroutine& later) const {
  return id == later.id && state() == later.state() && stack_lo == later.stack_lo &&
         stack_hi == later.stack_hi && walk_sp() == later.walk_sp() && walk_pc() == later.walk_pc();
}

std::optional<RawGoroutine> decode_goroutine(std::span<const std::byte> bytes,
                                             const GoLayout& layout) {
  if (bytes.size() < layout.size()) return std::nullopt;
  RawGoroutine raw;
  raw.stack_lo = field<Address>(bytes, layout.stack_lo);
  raw.stack_hi = field<Address>(bytes, layout.stack_hi);
  raw.m = field<Address>(bytes, layout.m);
  raw.sp = field<Address>(bytes, layout.sp);
  raw.pc = field<Address>(bytes, layout.pc);
  raw.bp = field<Address>(bytes, layout.bp);
  raw.syscall_sp = field<Address>(bytes, layout.syscall_sp);
  raw.syscall_pc = field<Address>(bytes, layout.syscall_pc);
  raw.status = field<std::uint32_t>(bytes, layout.status);
  raw.id = field<std::uint64_t>(bytes, layout.id);
  raw.wait_since = field<std::int64_t>(bytes, layout.wait_since);
  raw.wait_reason = field<std::uint8_t>(bytes, layout.wait_reason);
  raw.locked_m = field<Address>(bytes, layout.locked_m);
  if (layout.parent) raw.parent = field<std::uint64_t>(bytes, *layout.parent);
  raw.go_pc = field<Address>(bytes, layout.go_pc);
  raw.start_pc = field<Address>(bytes, layout.start_pc);
  return raw;
}

Plausible judge(const RawGoroutine& raw, GoCode& code) {
  const GoroutineState state = raw.state();
  if (state == GoroutineState::kUnknown || raw.id > kMostIds) return Plausible::kNo;
  const bool stack = raw.stack_lo < raw.stack_hi &&
                     number(raw.stack_hi) - number(raw.stack_lo) <= kLargestStack &&
                     number(raw.stack_lo) % 8 == 0;
  const bool none = number(raw.stack_lo) == 0 && number(raw.stack_hi) == 0;
  if (!stack && !none) return Plausible::kNo;
  if (state == GoroutineState::kDead || state == GoroutineState::kIdle) return Plausible::kIdle;
  if (none || raw.id == 0 || !code.at(raw.start_pc).entry) return Plausible::kNo;
  if (raw.parked() && !code.at(raw.walk_pc()).known) return Plausible::kNo;
  return Plausible::kYes;
}

}  // namespace plumb::detect
