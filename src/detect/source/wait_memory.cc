// SPDX-License-Identifier: Apache-2.0
// Decoding of poll lists, descriptor sets, timeouts and futex words.
#include "detect/source/wait_memory.h"

#include <poll.h>
#include <sys/syscall.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <type_traits>

namespace plumb::detect {
namespace {

// include/uapi/linux/futex.h
constexpr std::uint64_t kFutexCommand = 0x7f;  // without FUTEX_PRIVATE_FLAG, FUTEX_CLOCK_REALTIME
constexpr std::uint64_t kFutexRealtime = 256;
constexpr std::uint64_t kFutexWait = 0, kFutexLockPi = 6, kFutexWaitBitset = 9,
                        kFutexWaitRequeuePi = 11, kFutexLockPi2 = 13;

template <typename Value>
std::optional<Value> value_at(const ReadMemory& read, std::uint64_t address) {
  static_assert(std::is_trivially_copyable_v<Value>);
  Value value{};
  if (address == 0 || !read(address, std::as_writable_bytes(std::span(&value, 1)))) {
    return std::nullopt;
  }
  return value;
}

// A timespec of 64-bit fields; out of range is as good as for ever.
std::optional<std::chrono::nanoseconds> duration_at(const ReadMemory& read, std::uint64_t address,
                                                    std::int64_t unit = 1) {
  struct Pair {
    std::int64_t seconds, fraction;
  };
  const auto pair = value_at<Pair>(read, address);
  constexpr std::int64_t kCentury = 100LL * 366 * 24 * 3600;
  constexpr std::int64_t kSecond = 1'000'000'000;
  if (!pair || pair->seconds < 0 || pair->seconds > kCentury || pair->fraction < 0 ||
      pair->fraction > kSecond / unit) {
    return std::nullopt;
  }
  return std::chrono::seconds(pair->seconds) + std::chrono::nanoseconds(pair->fraction * unit);
}

void read_poll(const BlockingCall& call, const ReadMemory& read, ThreadWait& wait) {
  const std::uint64_t count = call.args[1];
  const std::size_t taken = std::min<std::uint64_t>(count, kMostPolled);
  std::vector<pollfd> list(taken);
  if (taken != 0 && !read(call.args[0], std::as_writable_bytes(std::span(list)))) return;
  wait.listed = true;
  wait.polled_cut = static_cast<std::uint32_t>(std::min<std::uint64_t>(count - taken, 0xffffffff));
  for (const pollfd& entry : list) {
    if (entry.fd < 0) continue;  // poll(2): ignored
    wait.polled.push_back({Fd{entry.fd}, static_cast<std::uint16_t>(entry.events)});
  }
}

void read_select(const BlockingCall& call, const ReadMemory& read, ThreadWait& wait) {
  const auto count = static_cast<std::int32_t>(static_cast<std::uint32_t>(call.args[0]));
  if (count < 0) return;
  const auto taken = std::min<std::uint32_t>(static_cast<std::uint32_t>(count), kMostPolled);
  constexpr std::array<std::uint16_t, 3> kEvents = {POLLIN, POLLOUT, POLLPRI};
  constexpr std::uint32_t kBits = 64;
  std::vector<std::uint16_t> events(taken);
  for (std::size_t set = 0; set < kEvents.size(); ++set) {
    const std::uint64_t address = call.args[set + 1];
    std::vector<std::uint64_t> words((taken + kBits - 1) / kBits);
    if (address == 0 || words.empty()) continue;
    if (!read(address, std::as_writable_bytes(std::span(words)))) return;
    for (std::uint32_t fd = 0; fd < taken; ++fd) {
      if ((words[fd / kBits] >> (fd % kBits) & 1) == 0) continue;
      events[fd] = static_cast<std::uint16_t>(events[fd] | kEvents[set]);
    }
  }
  wait.listed = true;
  wait.polled_cut = static_cast<std::uint32_t>(count) - taken;
  for (std::uint32_t fd = 0; fd < taken; ++fd) {
    if (events[fd] != 0) wait.polled.push_back({Fd{static_cast<std::int32_t>(fd)}, events[fd]});
  }
}

void read_nanosleep(const BlockingCall& call, const WaitClocks& clocks, const ReadMemory& read,
                    ThreadWait& wait) {
  const auto requested = duration_at(read, call.args[2]);
  if (!requested) return;
  if ((call.args[1] & TIMER_ABSTIME) == 0) {
    wait.timeout = requested;
    return;
  }
  switch (static_cast<std::int32_t>(call.args[0])) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_ALARM:
      wait.remaining = *requested - clocks.realtime;
      break;
    case CLOCK_MONOTONIC:
      wait.remaining = *requested - clocks.monotonic;
      break;
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM:
      wait.remaining = *requested - clocks.boot;
      break;
    default:  // a clock of its own: TAI, a process's
      break;
  }
}

void read_futex(const BlockingCall& call, const WaitClocks& clocks, const ReadMemory& read,
                ThreadWait& wait) {
  const std::uint64_t command = call.args[1] & kFutexCommand;
  const bool waits = command == kFutexWait || command == kFutexWaitBitset ||
                     command == kFutexLockPi || command == kFutexLockPi2 ||
                     command == kFutexWaitRequeuePi;
  if (!waits) return;
  if (const auto word = value_at<std::uint32_t>(read, call.args[0])) {
    wait.futex = FutexWord{*word, value_at<std::uint32_t>(read, call.args[0] + 8)};
  }
  const auto expiry = duration_at(read, call.args[3]);
  if (!expiry) return;
  if (command == kFutexWait) {
    wait.timeout = expiry;  // the only relative one, futex(2)
  } else {
    const bool realtime = (call.args[1] & kFutexRealtime) != 0 || command == kFutexLockPi;
    wait.remaining = *expiry - (realtime ? clocks.realtime : clocks.monotonic);
  }
}

// Milliseconds in an argument: negative is for ever.
std::optional<std::chrono::nanoseconds> milliseconds(std::uint64_t argument) {
  const auto value = static_cast<std::int32_t>(static_cast<std::uint32_t>(argument));
  if (value < 0) return std::nullopt;
  return std::chrono::milliseconds(value);
}

}  // namespace

bool points_to_memory(const BlockingCall& call) {
  switch (call.number) {
    case SYS_poll:
    case SYS_ppoll:
    case SYS_select:
    case SYS_pselect6:
    case SYS_nanosleep:
    case SYS_clock_nanosleep:
    case SYS_futex:
    case SYS_rt_sigtimedwait:
    case SYS_epoll_pwait2:
      return true;
    default:
      return false;
  }
}

void read_wait_memory(const BlockingCall& call, const WaitClocks& clocks, const ReadMemory& read,
                      ThreadWait& wait) {
  constexpr std::int64_t kMicrosecond = 1000;
  switch (call.number) {
    case SYS_poll:
      read_poll(call, read, wait);
      wait.timeout = milliseconds(call.args[2]);
      break;
    case SYS_ppoll:
      read_poll(call, read, wait);
      wait.timeout = duration_at(read, call.args[2]);
      break;
    case SYS_select:
      read_select(call, read, wait);
      wait.timeout = duration_at(read, call.args[4], kMicrosecond);
      break;
    case SYS_pselect6:
      read_select(call, read, wait);
      wait.timeout = duration_at(read, call.args[4]);
      break;
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
      wait.timeout = milliseconds(call.args[3]);
      break;
    case SYS_epoll_pwait2:
      wait.timeout = duration_at(read, call.args[3]);
      break;
    case SYS_nanosleep:
      wait.timeout = duration_at(read, call.args[0]);
      break;
    case SYS_clock_nanosleep:
      read_nanosleep(call, clocks, read, wait);
      break;
    case SYS_rt_sigtimedwait:
      wait.timeout = duration_at(read, call.args[2]);
      break;
    case SYS_futex:
      read_futex(call, clocks, read, wait);
      break;
    default:
      break;
  }
}

}  // namespace plumb::detect
