// SPDX-License-Identifier: Apache-2.0
// A trace's ledger as plain facts, and back again.
#include <algorithm>

#include "detect/model/trace_ledger.h"

namespace plumb::detect {
namespace {

// Origins get the numbers of their sites.
OriginId origin_of(std::size_t site) {
  return OriginId{number(OriginId::kFirst) + static_cast<std::uint32_t>(site)};
}

}  // namespace

TraceRecord TraceLedger::record(std::span<const LiveHolding> held) const {
  TraceRecord record;
  record.began = began_;
  record.now = now_;
  record.judged = judged_;
  record.min_age = min_age_;
  record.closings_left_out = closings_left_out_;
  for (const Site& site : sites_) {
    TraceRecord::Site& made = record.sites.emplace_back();
    made.stack = site.stack;
    made.special = site.special;
    made.kind = site.kind;
    made.call = site.call;
    made.cut = site.cut;
    made.live = site.live;
    made.at_exit = site.at_exit;
    made.created = site.created;
    made.closed = site.closed;
    made.created_bytes = site.created_bytes;
    made.closed_bytes = site.closed_bytes;
    made.births = site.judged;
    for (const auto& point : site.series.points()) made.series.push_back({point.time, point.live});
  }
  for (const auto& [key, process] : processes_) {
    record.processes.push_back({key, process.start, process.parent, process.chosen, process.stopped,
                                process.execs, process.status, process.ended, process.name});
  }
  for (const auto& [id, table] : tables_) {
    record.tables.push_back({id, table.owner, table.ended, table.by_exit});
  }
  const auto keep = [&](const LiveHolding& row, std::size_t site, bool at_exit) {
    record.holdings.push_back({row, SiteIndex{static_cast<std::uint32_t>(site)}, at_exit});
  };
  for (const LiveHolding& row : held) {
    const auto site = site_index_.find(site_key(row));
    if (site != site_index_.end()) keep(row, site->second, false);
  }
  for (const auto& [site, rows] : ended_) {
    for (const LiveHolding& row : rows) keep(row, site, true);
  }
  for (const Closing& closing : closings_) {
    TraceRecord::Closing& made = record.closings.emplace_back();
    made.row = closing.holding;
    if (const Site* opener = opener_of(closing)) {
      made.opener = SiteIndex{static_cast<std::uint32_t>(opener - sites_.data())};
    }
    if (made.row.origin >= OriginId::kFirst) made.row.origin = OriginId::kStackLost;
    made.closer = closer_of(closing);
    made.pid = closing.pid;
    made.time = closing.time;
    made.call = closing.call;
    made.shared = closing.shared;
    made.listener = closing.listener;
  }
  for (const ContestedClose& close : contested_) {
    TraceRecord::Contested& made = record.contested.emplace_back();
    made.row = close.holding;
    if (const auto opener = origins_.find(number(close.holding.origin)); opener != origins_.end()) {
      made.opener = SiteIndex{static_cast<std::uint32_t>(opener->second)};
    }
    made.closer = closer_stack(close.closer);
    made.pid = close.pid;
    made.tid = close.tid;
    made.time = close.time;
    made.again = close.again;
    made.call = close.call;
  }
  return record;
}

TraceLedger::TraceLedger(const TraceRecord& record)
    : began_(record.began), judged_(record.judged), min_age_(record.min_age) {
  for (const TraceRecord::Site& made : record.sites) {
    Site& site = sites_.emplace_back();
    site.stack = made.stack;
    site.special = made.special;
    site.kind = made.kind;
    site.call = made.call;
    site.cut = made.cut;
    std::vector<GrowthSeries::Point> points;
    for (const auto& point : made.series) points.push_back({point.time, point.live});
    site.series = GrowthSeries(std::move(points));
    origins_[number(origin_of(sites_.size() - 1))] = sites_.size() - 1;
  }
  restore_processes(record);
  restore_closings(record);

  settled_ = true;  // growth is judged by what was known when it was judged
  begin_pass(record.now);
  for (const TraceRecord::Holding& holding : record.holdings) {
    const std::size_t site = number(holding.site);
    if (site >= sites_.size()) continue;
    LiveHolding row = holding.row;
    row.origin = origin_of(site);
    if (!holding.at_exit) {
      sites_[site].live += row.weight;
      add(sites_[site], row, now_, false);
    } else if (const auto table = tables_.find(row.table);
               table != tables_.end() && processes_.contains(table->second.owner)) {
      ended_[site].push_back(row);
    }
  }
  end_pass({}, {});
  for (std::size_t i = 0; i < sites_.size(); ++i) {
    Site& site = sites_[i];
    const TraceRecord::Site& made = record.sites[i];
    // Of a damaged recording the rows may be gone; what has no age is not told.
    site.at_exit = site.oldest ? made.at_exit : 0;
    site.created = made.created;
    site.closed = made.closed;
    site.created_bytes = made.created_bytes;
    site.closed_bytes = made.closed_bytes;
    site.judged = made.births;
    site.growth = judge(site.series, site.judged, judged_ - began_);
  }
}

void TraceLedger::restore_processes(const TraceRecord& record) {
  for (const TraceRecord::Process& made : record.processes) {
    TracedProcess& process = processes_[made.key];
    process.pid = made.key.pid;
    process.start = made.start;
    process.parent = made.parent;
    process.chosen = made.chosen;
    process.stopped = made.stopped;
    process.execs = made.execs;
    process.status = made.status;
    process.ended = made.ended;
    process.name = made.name;
    by_pid_[number(made.key.pid)] = made.key;
  }
  for (const TraceRecord::Table& made : record.tables) {
    tables_[made.table] = {made.owner, made.ended, made.by_exit};
  }
}

void TraceLedger::restore_closings(const TraceRecord& record) {
  closings_left_out_ = record.closings_left_out;
  // Stacks get numbers of their own: each closing has its closer's.
  std::uint32_t next = number(OriginId::kFirst);
  for (const TraceRecord::Closing& made : record.closings) {
    Closing& closing = closings_.emplace_back();
    closing.holding = made.row;
    if (made.row.origin >= OriginId::kFirst) closing.holding.origin = OriginId::kStackLost;
    if (made.opener) closing.holding.origin = origin_of(number(*made.opener));
    closing.closer = OriginId{next++};
    if (made.closer) closers_[number(closing.closer)] = *made.closer;
    closing.pid = made.pid;
    closing.time = made.time;
    closing.call = made.call;
    closing.shared = made.shared;
    closing.listener = made.listener;
  }
  for (const TraceRecord::Contested& made : record.contested) {
    ContestedClose& close = contested_.emplace_back();
    close.holding = made.row;
    close.holding.origin = made.opener ? origin_of(number(*made.opener)) : OriginId::kStackLost;
    close.closer = OriginId{next++};
    if (made.closer) closers_[number(close.closer)] = *made.closer;
    close.pid = made.pid;
    close.tid = made.tid;
    close.time = made.time;
    close.again = made.again;
    close.call = made.call;
  }
}

}  // namespace plumb::detect
