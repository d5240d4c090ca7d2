// SPDX-License-Identifier: Apache-2.0
// The race.
#include "connect_race.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>

#include "plumb/loop/event.h"
#include "plumb/loop/scope.h"
#include "plumb/loop/timer.h"
#include "plumb/net/network.h"

namespace plumb::runtime {
namespace {

constexpr std::chrono::milliseconds kHeadStart{250};

// The order of attempts: A B A B … of the two families.
void interleave(std::vector<Address>& addresses) {
  std::vector<Address> ordered;
  const int first = addresses.front().family();
  const auto is_first = [&](const Address& address) { return address.family() == first; };
  auto a = addresses.begin();
  auto b = addresses.begin();
  while (ordered.size() < addresses.size()) {
    a = std::find_if(a, addresses.end(), is_first);
    if (a != addresses.end()) ordered.push_back(*a++);
    b = std::find_if_not(b, addresses.end(), is_first);
    if (b != addresses.end()) ordered.push_back(*b++);
  }
  addresses = std::move(ordered);
}

}  // namespace

Task<Result<Stream>> connect_first(Network& network, std::vector<Address> addresses) {
  if (addresses.size() == 1) co_return co_await network.connect(addresses.front());
  interleave(addresses);
  std::optional<Stream> winner;
  std::optional<Error> trouble;
  Event changed;
  std::size_t running = 0;
  bool over = false;
  const auto attempt = [&](Address address) -> Task<> {
    ++running;
    auto stream = co_await network.connect(address);
    --running;
    if (stream && !winner) winner = *std::move(stream);
    // That a loser was cancelled is not what the caller is told.
    if (!stream && !over) trouble = std::move(stream).error();
    changed.set(network.loop());
  };
  const auto race = [&](Scope& scope) -> Task<> {
    for (std::size_t next = 0; !winner && (next < addresses.size() || running != 0);) {
      changed.reset();
      if (next < addresses.size()) scope.start(std::bind_front(attempt, addresses[next++]));
      if (changed.is_set()) continue;  // it ended at once
      const bool last = next == addresses.size();
      Result<void> waited;
      bool time_over = false;
      {
        const auto bound = co_await deadline(last ? Loop::kForever : kHeadStart);
        waited = co_await changed.wait();
        time_over = bound.expired();
      }
      if (!waited && !time_over) {
        trouble = std::move(waited).error();
        break;
      }
    }
    over = true;
  };
  co_await open_scope(Ending::kCancel, race);
  if (winner) co_return *std::move(winner);
  co_return *std::move(trouble);
}

}  // namespace plumb::runtime
