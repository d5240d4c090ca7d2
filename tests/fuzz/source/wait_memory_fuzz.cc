// SPDX-License-Identifier: Apache-2.0
// Any call with any arguments, on memory that holds anything.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "detect/source/wait_memory.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb::detect;
  BlockingCall call;
  if (size < sizeof call.number + sizeof call.args) return 0;
  std::memcpy(&call.number, data, sizeof call.number);
  data += sizeof call.number;
  std::memcpy(call.args.data(), data, sizeof call.args);
  data += sizeof call.args;
  size -= sizeof call.number + sizeof call.args;
  // Every address leads to the same bytes, as long as there are enough of them.
  const auto read = [&](std::uint64_t, std::span<std::byte> into) {
    if (into.size() > size) return false;
    std::memcpy(into.data(), data, into.size());
    return true;
  };
  ThreadWait wait;
  read_wait_memory(call, {}, read, wait);
  if (wait.polled.size() > kMostPolled) __builtin_trap();
  for (const PolledFd& polled : wait.polled) {
    if (number(polled.fd) < 0) __builtin_trap();
  }
  return 0;
}
