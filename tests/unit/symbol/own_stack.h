// SPDX-License-Identifier: Apache-2.0
// The test's own stack: its registers, its bytes, and what the C++ runtime says who called whom.
#pragma once

#include <execinfo.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "detect/symbol/maps.h"
#include "detect/symbol/process_access.h"
#include "detect/symbol/registers.h"

namespace plumb::detect {

struct Snapshot {
  Registers registers;
  std::vector<std::byte> stack;
  std::vector<Address> expected;  // return addresses from the caller of snapshot() on
};

inline Address end_of_stack(std::uint64_t within) {
  const auto maps = ProcAccess().maps(Pid{::getpid()});
  return AddressSpace::parse(*maps).find(Address{within})->end;
}

// AddressSanitizer would see reads beyond the variables of this frame; they are what is wanted.
// Byte by byte and volatile, so that the compiler makes no checked memcpy of it.
[[gnu::no_sanitize("address")]] inline void copy_stack(std::uint64_t start,
                                                       std::vector<std::byte>& to) {
  const auto* from = reinterpret_cast<const volatile std::byte*>(start);
  for (std::byte& byte : to) byte = *from++;
}

[[gnu::noinline]] inline Snapshot snapshot(std::size_t bytes) {
  Snapshot taken;
  ucontext_t context{};
  ::getcontext(&context);
  const auto& general = context.uc_mcontext.gregs;
  const auto put = [&](Register which, int index) {
    taken.registers.set(which, static_cast<std::uint64_t>(general[index]));
  };
  put(Register::kRip, REG_RIP);
  put(Register::kRsp, REG_RSP);
  put(Register::kRbp, REG_RBP);
  put(Register::kRbx, REG_RBX);
  put(Register::kR12, REG_R12);
  put(Register::kR13, REG_R13);
  put(Register::kR14, REG_R14);
  put(Register::kR15, REG_R15);
  const auto start = static_cast<std::uint64_t>(general[REG_RSP]);
  taken.stack.resize(std::min<std::size_t>(bytes, number(end_of_stack(start)) - start));
  copy_stack(start, taken.stack);
  std::array<void*, 128> addresses{};
  const int count = ::backtrace(addresses.data(), static_cast<int>(addresses.size()));
  // From the caller on: what stands before differs with who implements backtrace.
  void** const end = addresses.data() + count;
  void** caller = std::find(addresses.data(), end, __builtin_return_address(0));
  for (; caller != end; ++caller) {
    taken.expected.push_back(Address{reinterpret_cast<std::uint64_t>(*caller)});
  }
  return taken;
}

[[gnu::noinline]] inline Snapshot deep(int levels, std::size_t bytes) {
  if (levels == 0) return snapshot(bytes);
  Snapshot taken = deep(levels - 1, bytes);
  taken.registers = Registers(taken.registers);  // keeps the call from being a tail call
  return taken;
}

}  // namespace plumb::detect
