// SPDX-License-Identifier: Apache-2.0
// From the rows of a trace to its sites.
#include "detect/model/trace_ledger.h"

#include <algorithm>
#include <bit>

namespace plumb::detect {
namespace {

constexpr std::size_t kMostSamples = 4;
constexpr std::size_t kMostClosings = 10'000;
constexpr std::size_t kMostContested = 10'000;
// Holdings of ended processes are kept one by one, for their ages; beyond this many per site only
// their number is.
constexpr std::size_t kMostEnded = 100'000;

ProcessKey key_of(const ProcessEvent& event) {
  return {event.pid, std::chrono::duration_cast<Ticks>(event.start.time_since_epoch())};
}

// Keeps the earliest ones, as a heap with the latest of them on top.
void note_birth(std::vector<BootTime>& times, BootTime born) {
  if (times.size() == kMostBirthTimes) {
    if (born >= times.front()) return;
    std::ranges::pop_heap(times);
    times.pop_back();
  }
  times.push_back(born);
  std::ranges::push_heap(times);
}

}  // namespace

std::size_t age_bucket(std::chrono::nanoseconds age) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(age).count();
  if (seconds < 1) return 0;
  return std::min<std::size_t>(std::bit_width(static_cast<std::uint64_t>(seconds)),
                               kAgeBuckets - 1);
}

void TraceLedger::on(const ProcessEvent& event) {
  const ProcessKey key = key_of(event);
  const auto end_table = [this](TableId id, bool by_exit) {
    Table& table = tables_[id];
    table.ended = true;
    table.by_exit = by_exit;
  };
  switch (event.what) {
    case ProcessEvent::What::kFork: {
      TracedProcess& process = processes_[key];
      process.pid = event.pid;
      process.start = event.start;
      process.parent = event.parent;
      process.chosen = number(event.parent) == 0;
      process.name = event.name;
      tables_.try_emplace(event.table, Table{key});
      by_pid_[number(event.pid)] = key;
      return;
    }
    case ProcessEvent::What::kExec: {
      tables_[event.table].owner = key;
      end_table(event.old_table, false);
      const auto process = processes_.find(key);
      if (process == processes_.end()) return;
      process->second.name = event.name;
      ++process->second.execs;
      return;
    }
    case ProcessEvent::What::kExit: {
      tables_[event.table].owner = key;
      end_table(event.table, true);
      const auto process = processes_.find(key);
      if (process == processes_.end()) return;
      process->second.status = event.status;
      process->second.ended = event.time;
      process->second.stopped = false;
      return;
    }
    case ProcessEvent::What::kUnshare:
      if (number(event.table) == 0) {
        end_table(event.old_table, false);
      } else {
        tables_[event.table].owner = key;
      }
      return;
    case ProcessEvent::What::kCode:
      return;
  }
}

void TraceLedger::on_state(const ProcessKey& process, bool stopped) {
  const auto found = processes_.find(process);
  if (found != processes_.end()) found->second.stopped = stopped && !found->second.status;
}

void TraceLedger::on(const ListenerEvent& event) {
  listeners_[event.file] = event;
}

void TraceLedger::on(const ClosedEvent& event) {
  if (event.why != ClosedEvent::Why::kWanted) {
    if (contested_.size() >= kMostContested) return;
    contested_.push_back({event.holding, event.closer, event.pid, event.tid, event.time,
                          event.why == ClosedEvent::Why::kAgain, event.call});
    return;
  }
  if (closings_.size() >= kMostClosings) {
    ++closings_left_out_;
    return;
  }
  Closing closing;
  closing.holding = event.holding;
  closing.pid = event.pid;
  closing.time = event.time;
  closing.call = event.call;
  closing.closer = event.closer;
  // A dup of a listener listens under its number too; the file is what listen(2) was called on.
  if (const auto known = listeners_.find(event.holding.file); known != listeners_.end()) {
    closing.listener = known->second;
  }
  closings_.push_back(std::move(closing));
}

const Site* TraceLedger::opener_of(const Closing& closing) const {
  const auto site = origins_.find(number(closing.holding.origin));
  return site == origins_.end() ? nullptr : &sites_[site->second];
}

std::optional<StackNode> TraceLedger::closer_stack(OriginId closer) const {
  const auto stack = closers_.find(number(closer));
  return stack == closers_.end() ? std::nullopt : std::optional(stack->second);
}

std::optional<StackNode> TraceLedger::opener_stack(OriginId opener) const {
  const auto site = origins_.find(number(opener));
  return site == origins_.end() ? std::nullopt : std::optional(sites_[site->second].stack);
}

std::optional<StackNode> TraceLedger::closer_of(const Closing& closing) const {
  const auto stack = closers_.find(number(closing.closer));
  if (stack == closers_.end()) return std::nullopt;
  return stack->second;
}

std::size_t TraceLedger::site_at(const SiteKey& key) {
  const auto [it, added] = site_index_.try_emplace(key, sites_.size());
  if (added) {
    Site site;
    std::tie(site.stack, site.special, site.kind, site.call) = key;
    sites_.push_back(std::move(site));
  }
  return it->second;
}

void TraceLedger::learn(OriginId origin, StackNode stack, Kind kind, std::uint16_t call, bool cut) {
  const std::size_t site = site_at({stack, OriginId::kFirst, kind, call});
  sites_[site].cut |= cut;
  origins_[number(origin)] = site;
}

void TraceLedger::learn_closer(OriginId origin, StackNode stack) {
  closers_[number(origin)] = stack;
}

TraceLedger::SiteKey TraceLedger::site_key(const LiveHolding& holding) const {
  if (holding.origin < OriginId::kFirst) {
    return {StackStore::kEmpty, holding.origin, holding.kind, 0};
  }
  const auto known = origins_.find(number(holding.origin));
  if (known == origins_.end()) {
    // Its stack is still on its way through the ring buffer, or was lost there.
    return {StackStore::kEmpty, OriginId::kStackLost, holding.kind, 0};
  }
  const Site& site = sites_[known->second];
  return {site.stack, site.special, site.kind, site.call};
}

std::vector<TableId> TraceLedger::dead_tables() const {
  std::vector<TableId> dead;
  for (const auto& [id, table] : tables_) {
    if (table.ended) dead.push_back(id);
  }
  return dead;
}

const TracedProcess* TraceLedger::find(Pid pid) const {
  const auto found = processes_.lower_bound({pid, Ticks::min()});
  return found != processes_.end() && found->first.pid == pid ? &found->second : nullptr;
}

std::size_t TraceLedger::chosen_alive() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      processes_, [](const auto& entry) { return entry.second.chosen && !entry.second.status; }));
}

void TraceLedger::begin_pass(BootTime now) {
  now_ = now;
  for (Site& site : sites_) {
    site.live = site.inherited = site.aged = site.created = site.closed = 0;
    site.ended = site.rows = site.held_bytes = site.created_bytes = site.closed_bytes = 0;
    site.oldest.reset();
    site.youngest.reset();
    site.ages.fill(0);
    site.total_age = {};
    site.births.fill(0);
    site.samples.clear();
    site.born.clear();
  }
}

void TraceLedger::sample(Site& site, const LiveHolding& holding, bool at_exit) {
  if (site.samples.size() == kMostSamples && site.samples.back().born < holding.born) return;
  const auto table = tables_.find(holding.table);
  const Pid pid = table == tables_.end() ? Pid{0} : table->second.owner.pid;
  // The same ones whatever the order in which they are told.
  const auto older = [](const HoldingSample& a, const HoldingSample& b) {
    return std::tie(a.born, a.pid, a.fd, a.file) < std::tie(b.born, b.pid, b.fd, b.file);
  };
  site.samples.push_back({pid, holding.fd, holding.file, holding.born, at_exit, holding.bytes});
  std::ranges::sort(site.samples, older);
  if (site.samples.size() > kMostSamples) site.samples.pop_back();
}

void TraceLedger::add(Site& site, const LiveHolding& holding, BootTime now, bool at_exit) {
  // A row may come while the pass that began at `now` reads the ledger.
  const BootTime born = std::min(holding.born, now);
  const auto age = now - born;
  ++site.rows;
  if (holding.ended) ++site.ended;
  site.ages[age_bucket(age)] += holding.weight;
  site.total_age += std::chrono::duration_cast<decltype(site.total_age)>(age) * holding.weight;
  if (age >= min_age_ && !at_exit) site.aged += holding.weight;
  if (age >= min_age_ || at_exit) site.held_bytes += holding.bytes;
  if (!site.oldest || born < *site.oldest) site.oldest = born;
  if (!site.youngest || born > *site.youngest) site.youngest = born;
  if (holding.inherited) ++site.inherited;
  sample(site, holding, at_exit);
  const auto settled = now - min_age_ - began_;
  if (holding.born >= began_ && settled.count() > 0 && age >= min_age_ && !holding.inherited) {
    const auto window = (holding.born - began_) * std::int64_t{kBirthWindows} / settled;
    ++site.births[std::min<std::size_t>(static_cast<std::size_t>(window), kBirthWindows - 1)];
    note_birth(site.born, born);
  }
}

void TraceLedger::hold(const LiveHolding& holding) {
  Site& site = sites_[site_of(holding)];
  site.live += holding.weight;
  add(site, holding, now_, false);
  if (!holding.listener) return;
  for (Closing& closing : closings_) {
    closing.shared |= closing.holding.file == holding.file && holding.born < closing.time;
  }
}

void TraceLedger::hold_at_end(const LiveHolding& holding) {
  const auto table = tables_.find(holding.table);
  if (table == tables_.end() || !table->second.by_exit) return;
  const auto process = processes_.find(table->second.owner);
  if (process == processes_.end() || !process->second.chosen) return;
  const std::size_t site = site_of(holding);
  sites_[site].at_exit += holding.weight;
  std::vector<LiveHolding>& kept = ended_[site];
  if (kept.size() < kMostEnded) kept.push_back(holding);
}

void TraceLedger::end_pass(std::span<const OriginCount> counts, std::span<const TableId> read_out) {
  for (std::size_t origin = 0; origin < counts.size(); ++origin) {
    const auto site = origins_.find(static_cast<std::uint32_t>(origin));
    if (site == origins_.end()) continue;
    Site& at = sites_[site->second];
    at.created += counts[origin].created;
    at.closed += counts[origin].closed;
    at.created_bytes += counts[origin].created_bytes;
    at.closed_bytes += counts[origin].closed_bytes;
  }
  for (const auto& [index, holdings] : ended_) {
    Site& site = sites_[index];
    std::uint64_t bytes = 0;
    for (const LiveHolding& holding : holdings) {
      bytes += holding.bytes;
      const auto& owner = processes_.at(tables_.at(holding.table).owner);
      add(site, holding, std::max(owner.ended, holding.born), true);
    }
    // The kernel counted them as closed when it forgot them.
    site.closed -= std::min(site.closed, site.at_exit);
    site.closed_bytes -= std::min(site.closed_bytes, bytes);
  }
  // Once all have ended nothing can grow, and the waiting must not look like a plateau.
  const bool alive = chosen_alive() > 0 && !settled_;
  for (Site& site : sites_) {
    std::ranges::sort_heap(site.born);
    // What was looked at, not what that stands for: a single sample of many would pass for growth.
    if (alive) site.series.add(now_, site.rows);
    if (settled_) continue;
    site.judged = site.births;
    site.growth = judge(site.series, site.births, now_ - began_);
  }
  if (!settled_) judged_ = now_;
  // Tables of ended chosen processes stay: their holdings are told by them.
  for (const TableId id : read_out) {
    const auto table = tables_.find(id);
    if (table == tables_.end()) continue;
    const auto owner = processes_.find(table->second.owner);
    if (owner != processes_.end() && owner->second.chosen) {
      table->second.ended = false;
    } else {
      tables_.erase(table);
    }
  }
}

}  // namespace plumb::detect
