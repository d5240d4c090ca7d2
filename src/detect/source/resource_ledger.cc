// SPDX-License-Identifier: Apache-2.0
// Reading and repairing the resources' rows.
#include "detect/source/resource_ledger.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <tuple>
#include <unordered_map>

#include "detect/record/resource_kind.h"
#include "detect/source/resource_checks.h"
#include "detect/source/trace_decode.h"

namespace plumb::detect {
namespace {

constexpr std::uint32_t kBatch = 4096;
constexpr std::uint32_t kProbeRoom = 1U << 16;
constexpr std::string_view kMark = "__";  // between a kind's name and the rest of a program's

// The kind whose program this is; nothing for those that every trace needs.
std::optional<std::string_view> kind_of_program(const bpf_program* program) {
  const std::string_view name = bpf_program__name(program);
  const auto mark = name.find(kMark);
  if (mark == std::string_view::npos) return std::nullopt;
  return name.substr(0, mark);
}

}  // namespace

void ResourceLedger::choose(std::span<const Kind> kinds, std::uint32_t room) {
  const auto wanted = [&](std::string_view name) {
    return std::ranges::any_of(kinds, [&](Kind kind) { return name_of(kind) == name; });
  };
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton_.obj) {
    if (const auto kind = kind_of_program(program)) {
      bpf_program__set_autoload(program, wanted(*kind));
    }
  }
  any_ = std::ranges::any_of(kinds, [](Kind kind) { return resource_kind(kind) != nullptr; });
  children_ = std::ranges::count(kinds, Kind::kChild) > 0;
  // The kernel clears 16 bytes of memory for each before a trace begins.
  const bool probes_alone = kinds.size() == 1 && kinds.front() == Kind::kProbe;
  const std::uint32_t wanted_room = probes_alone ? std::min(room, kProbeRoom) : room;
  bpf_map__set_max_entries(skeleton_.maps.resources, any_ ? wanted_room : 1);
}

Result<void> ResourceLedger::attach(std::vector<BpfLink>& links) {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton_.obj) {
    if (!kind_of_program(program) || !bpf_program__autoload(program)) continue;
    if (bpf_program__type(program) != BPF_PROG_TYPE_TRACING) continue;
    auto link = detect::attach(*program);
    if (!link) return std::move(link).error();
    links.push_back(*std::move(link));
  }
  return {};
}

// Every row once. A row that comes or goes meanwhile may be seen or not.
Result<std::vector<ResourceLedger::Row>> ResourceLedger::rows() const {
  const int map = bpf_map__fd(skeleton_.maps.resources);
  std::vector<abi::trace_resource_key> keys(kBatch);
  std::vector<abi::trace_resource> values(kBatch);
  std::vector<Row> found;
  std::uint32_t cursor = 0;
  for (bool first = true;; first = false) {
    std::uint32_t count = kBatch;
    const int got = bpf_map_lookup_batch(map, first ? nullptr : &cursor, &cursor, keys.data(),
                                         values.data(), &count, nullptr);
    // ENOSPC: one bucket holds more than the batch does.
    if (got != 0 && errno == ENOSPC && keys.size() < std::size_t{1} << 20) {
      keys.resize(keys.size() * 2);
      values.resize(keys.size());
    } else if (got != 0 && errno != ENOENT) {
      return fail("read", "resources of the trace", errno);
    }
    for (std::uint32_t i = 0; i < count; ++i) found.push_back({keys[i], values[i]});
    if (got != 0) return found;
  }
}

bool ResourceLedger::trim(const Row& row, std::uint64_t bytes, bool forget) {
  abi::trace_trim what{row.key, row.value.born, bytes, forget ? 1U : 0U, 0};
  bpf_test_run_opts options{};
  options.sz = sizeof(options);
  options.ctx_in = &what;
  options.ctx_size_in = sizeof(what);
  const int program = bpf_program__fd(skeleton_.progs.trim);
  return bpf_prog_test_run_opts(program, &options) == 0 && options.retval == 1;
}

// An exec gives a process another table, and leaves it its children.
void ResourceLedger::adopt_children(std::span<Row> rows,
                                    const std::unordered_set<std::uint32_t>& dead) {
  std::unordered_map<std::uint32_t, std::uint32_t> heirs;
  std::uint32_t id = 0;
  const std::uint32_t* previous = nullptr;
  for (int most = 4 * abi::kTraceProcesses; most > 0; --most) {
    if (bpf_map__get_next_key(skeleton_.maps.tables, previous, &id, sizeof id) != 0) break;
    previous = &id;
    abi::trace_table table{};
    if (bpf_map__lookup_elem(skeleton_.maps.tables, &id, sizeof id, &table, sizeof table, 0) == 0 &&
        table.moved != 0) {
      heirs[table.parent] = id;
    }
  }
  for (Row& row : rows) {
    const auto heir = heirs.find(row.key.table);
    if (row.key.kind != abi::kKindChild || heir == heirs.end()) continue;
    if (!dead.contains(row.key.table)) continue;
    abi::trace_adopt what{row.key, heir->second, 0};
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.ctx_in = &what;
    options.ctx_size_in = sizeof(what);
    (void)bpf_prog_test_run_opts(bpf_program__fd(skeleton_.progs.child__adopt), &options);
    row.key.table = heir->second;
  }
}

// `rows` are of one table and kind, by identity.
void ResourceLedger::check(std::span<Row> rows, BootTime began) {
  const ResourceCheck ask = check_of(Kind{static_cast<std::uint8_t>(rows.front().key.kind)});
  if (ask == nullptr) return;
  abi::trace_table table{};
  const std::uint32_t id = rows.front().key.table;
  if (bpf_map__lookup_elem(skeleton_.maps.tables, &id, sizeof(id), &table, sizeof(table), 0) != 0) {
    return;
  }
  std::vector<CheckedResource> asked;
  for (const Row& row : rows) asked.push_back({row.key.identity, row.value.bytes, false});
  if (!ask(Pid{table.pid}, asked)) return;
  const auto limit = static_cast<std::uint64_t>(began.time_since_epoch().count());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row& row = rows[i];
    if (row.value.born >= limit || (!asked[i].gone && asked[i].bytes == row.value.bytes)) continue;
    if (!trim(row, asked[i].bytes, asked[i].gone)) continue;
    row.value.bytes = asked[i].bytes;
    if (asked[i].gone) {
      row.value.weight = 0;
      ++gone_;
    }
  }
}

Result<std::vector<LiveHolding>> ResourceLedger::take(TableId table) {
  std::vector<LiveHolding> taken;
  if (!any_) return taken;
  auto read = rows();
  if (!read) return std::move(read).error();
  std::vector<Row>& found = *read;
  std::erase_if(found, [&](const Row& row) { return row.key.table != number(table); });
  const auto order = [](const Row& row) { return std::tuple(row.key.kind, row.key.identity); };
  std::ranges::sort(found, {}, order);
  for (auto at = found.begin(); at != found.end();) {
    const auto next =
        std::find_if(at, found.end(), [&](const Row& row) { return row.key.kind != at->key.kind; });
    check({at, next}, BootClock::now());
    at = next;
  }
  for (const Row& row : found) {
    if (row.value.weight == 0) continue;
    taken.push_back(to_fact(row.key, row.value));
    (void)trim(row, 0, true);
  }
  return taken;
}

Result<void> ResourceLedger::visit(const TraceSource::Visit& visit, std::optional<BootTime> began) {
  if (!any_) return {};
  auto read = rows();
  if (!read) return std::move(read).error();
  std::vector<Row>& found = *read;
  std::unordered_set<std::uint32_t> dead;
  for (const TableId table : visit.dead) dead.insert(number(table));
  if (children_ && !dead.empty()) adopt_children(found, dead);
  const auto ended =
      std::ranges::partition(found, [&](const Row& row) { return !dead.contains(row.key.table); });
  for (const Row& row : ended) {
    if (trim(row, 0, true) && visit.at_end) visit.at_end(to_fact(row.key, row.value));
  }
  found.erase(ended.begin(), ended.end());
  const auto owner = [](const Row& row) { return std::tuple(row.key.table, row.key.kind); };
  std::ranges::sort(found, {}, [&](const Row& row) {
    return std::tuple_cat(owner(row), std::tuple(row.key.identity));
  });
  for (auto at = found.begin(); began && at != found.end();) {
    const auto next =
        std::find_if(at, found.end(), [&](const Row& row) { return owner(row) != owner(*at); });
    check({at, next}, *began);
    at = next;
  }
  for (const Row& row : found) {
    if (row.value.weight > 0 && visit.live) visit.live(to_fact(row.key, row.value));
  }
  return {};
}

}  // namespace plumb::detect
