// SPDX-License-Identifier: Apache-2.0
// Weighing connections at rest against those that are held.
#include "detect/finding/go_pools.h"

#include <algorithm>

#include "detect/finding/wording.h"

namespace plumb::detect {
namespace {

// A pool that is shared keeps two for a server, unless it was told to keep more.
constexpr std::uint64_t kManyIdle = 5;

}  // namespace

std::optional<LeftIdle> left_idle(const Facts& facts, Pid process) {
  const auto watched = std::ranges::find(facts.go_http, process, &GoHttpFacts::process);
  if (watched == facts.go_http.end() || watched->leaks.idle.empty()) return std::nullopt;
  const GoIdleSite& site = watched->leaks.idle.front();
  std::uint64_t held = 0;
  for (const GoHttpSite& other : watched->leaks.sites) held += other.suspects();
  if (site.connections < kManyIdle || site.connections <= held) return std::nullopt;
  return LeftIdle{site.connections, frames_of(watched->stacks, site.stack)};
}

}  // namespace plumb::detect
