// SPDX-License-Identifier: Apache-2.0
// The shelves of a process, and the metrics of what stands on them.
#include "plumb/meter/ledger.h"

#include <algorithm>
#include <map>

namespace plumb::runtime {

void Ledger::joined(Holdings& shelf) {
  const std::lock_guard lock(mutex_);
  shelves_.push_back(&shelf);
}

void Ledger::left(Holdings& shelf) noexcept {
  const std::lock_guard lock(mutex_);
  std::erase(shelves_, &shelf);
}

std::vector<LedgerRow> Ledger::rows() const {
  std::vector<LedgerRow> rows;
  const auto now = Holding::Clock::now();
  const std::lock_guard lock(mutex_);
  for (const auto* shelf : shelves_) {
    for (auto& holding : shelf->rows()) {
      // What came meanwhile is younger than `now`.
      const auto age = std::max(Holding::Clock::duration(0), now - holding.since);
      rows.push_back({shelf->name(), std::move(holding), age});
    }
  }
  return rows;
}

Registry::Collector Ledger::meter(Registry& registry) const {
  return registry.collect([this](Scrape& scrape) {
    struct Kind {
      double count = 0;
      double oldest = 0;
    };
    std::map<std::string, Kind> kinds;
    for (const auto& row : rows()) {
      auto& kind = kinds[row.holding.kind];
      ++kind.count;
      kind.oldest = std::max(kind.oldest, std::chrono::duration<double>(row.age).count());
    }
    for (const auto& [name, kind] : kinds) {
      scrape.gauge("plumb_holdings", "Resources that the process holds.", {{"kind", name}},
                   kind.count);
      scrape.gauge("plumb_oldest_holding_seconds", "Age of the oldest resource of the kind.",
                   {{"kind", name}}, kind.oldest);
    }
  });
}

}  // namespace plumb::runtime
