// SPDX-License-Identifier: Apache-2.0
// Ledger: everything that a process of plumb's runtime holds, at any time and from any thread: each
// descriptor, task, timer, lease and job with its kind, its age and the line that acquired it.
//
//   Ledger ledger;
//   auto loop = Loop::create({.ledger = &ledger, .name = "loop 1"});
//   …  std::fputs(ledger_text(ledger.rows()).c_str(), stderr);
//
// One per process, made by main before the loops, which it must outlive. A shelf that ends with
// something on it prints that and aborts; see Holdings. Threads: any.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "plumb/base/holding.h"
#include "plumb/meter/registry.h"

namespace plumb::runtime {

struct LedgerRow {
  std::string shelf;
  HoldingRow holding;
  Holding::Clock::duration age{};  // at the time of rows()
};

class Ledger final : public HoldingsRegister {
 public:
  Ledger() = default;
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // A shelf for what belongs to no loop: the program's own kinds.
  Holdings& own() noexcept { return own_; }

  // Everything that is held now, by shelves, the oldest first.
  std::vector<LedgerRow> rows() const;

  // plumb_holdings{kind} and plumb_oldest_holding_seconds{kind}, for as long as what it gives
  // lasts; that must not outlive the ledger.
  [[nodiscard]] Registry::Collector meter(Registry& registry) const;

  // For shelves.
  void joined(Holdings& shelf) override;
  void left(Holdings& shelf) noexcept override;

 private:
  mutable std::mutex mutex_;  // guards shelves_; held while they are read, so that none ends then
  std::vector<Holdings*> shelves_;
  Holdings own_{"program", this};
};

// The three faces of a ledger; pure. Text: holdings of one kind and line are one row with their
// number and ages, the most first. JSON: one object a line, {"record":"holding","schema":1,…}, see
// docs/meter.md. Pprof: an uncompressed profile (github.com/google/pprof, proto/profile.proto) of
// the sample types holdings/count and age/seconds, with kind and shelf as labels.
std::string ledger_text(const std::vector<LedgerRow>& rows);
std::string ledger_json(const std::vector<LedgerRow>& rows);
std::string ledger_pprof(const std::vector<LedgerRow>& rows);

}  // namespace plumb::runtime
