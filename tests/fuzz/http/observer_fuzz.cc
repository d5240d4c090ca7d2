// SPDX-License-Identifier: Apache-2.0
// The observer on any capture: bytes of both sides, gaps and ends in any order. It never fails, and
// what it keeps stays within its limits.
#include <algorithm>

#include "cuts.h"
#include "plumb/http/observer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb;
  const http::ObserverLimits limits{.head = 512, .exchanges = 8, .flaws = 4};
  http::Observer observer(limits);
  std::string_view rest = test::bytes_of(data, size);
  if (size > 0 && (data[0] & 1) != 0) observer.joined_late();
  std::int64_t now = 0;
  // Each operation: a byte that says which, and a byte that says how much.
  while (rest.size() >= 2) {
    const auto kind = static_cast<std::uint8_t>(rest[0]);
    const std::size_t amount =
        std::min<std::size_t>(static_cast<std::uint8_t>(rest[1]), rest.size() - 2);
    rest.remove_prefix(2);
    const http::Side side = (kind & 1) == 0 ? http::Side::kClient : http::Side::kServer;
    const BootTime when{std::chrono::nanoseconds(++now)};
    if (kind % 16 == 14) {
      observer.gap(side, amount * 7, when);
    } else if (kind % 64 == 31) {
      observer.closed(side, when);
    } else {
      observer.bytes(side, rest.substr(0, amount), when);
      rest.remove_prefix(amount);
    }
    if (observer.open().size() > limits.exchanges || name(observer.move()).empty()) std::abort();
    for (const auto& exchange : observer.open()) {
      if (exchange.flaws.size() > limits.flaws) std::abort();
    }
    if (kind % 8 == 3 && observer.take_complete().size() > limits.exchanges * 2) std::abort();
  }
  return 0;
}
