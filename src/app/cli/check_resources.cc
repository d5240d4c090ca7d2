// SPDX-License-Identifier: Apache-2.0
// Joining the engine's rows with the memory of their process.
#include "app/cli/check_resources.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "app/cli/command.h"
#include "detect/model/leak_rules.h"
#include "detect/record/resource_kind.h"
#include "detect/report/terminal.h"
#include "detect/source/process_follower.h"
#include "detect/source/written_memory.h"
#include "plumb/base/human.h"

namespace plumb::app {
namespace {

using namespace detect;
using namespace std::chrono_literals;

bool is_memory(Kind kind) {
  return kind == Kind::kMapping || kind == Kind::kHeap;
}

// Where a pointer leads to it. The C library's chunks are multiples of 16 bytes and overlap by 8:
// the last word of a block may be where the chunk behind it begins, to which the allocator points.
MemoryBlock block_of(const LiveHolding& row) {
  const std::uint64_t begin = number(row.file);
  // Where the row stands for some: at least as long as one of them.
  const std::uint64_t bytes = row.weight > 1 ? row.bytes / (row.weight - 1) : row.bytes;
  if (row.kind != Kind::kHeap) return {begin, begin + bytes};
  const std::uint64_t chunk = (std::max<std::uint64_t>(bytes, 24) + 8 + 15) & ~std::uint64_t{15};
  return {begin, begin + std::min(bytes, chunk - 16)};
}

void add_loss(std::vector<Loss>& losses, const char* what, std::uint64_t count, const char* why) {
  if (count > 0) losses.push_back({what, count, why});
}

}  // namespace

Result<std::unique_ptr<CheckResources>> CheckResources::open(const TraceSettings& settings,
                                                             const std::string& program) {
  auto session = TraceSession::open(settings);
  if (!session) return std::move(session).error();
  std::unique_ptr<CheckResources> opened(new CheckResources(*std::move(session)));
  auto environment = opened->session_->prepare_command(program);
  if (!environment) return std::move(environment).error();
  opened->environment_ = *std::move(environment);
  return opened;
}

Result<void> CheckResources::begin(Pid command) {
  if (auto followed = session_->follow(command); !followed) return followed;
  if (auto looked = session_->look(TraceSession::Look::kNow); !looked) return looked;
  session_->begin();
  pace_.start(BootClock::now());
  return {};
}

void CheckResources::listen() {
  if (const auto heard = session_->listen(0ms); !heard) complain(heard.error().message());
  const BootTime now = BootClock::now();
  if (now < pace_.next()) return;
  // Forgets what ended processes leave in the engine's tables.
  if (const auto looked = session_->look(TraceSession::Look::kWhenDue); !looked) {
    complain(looked.error().message());
  }
  pace_.passed(now, BootClock::now());
}

void CheckResources::on_exec(Pid process) {
  if (const auto heard = session_->listen(0ms); !heard) complain(heard.error().message());
  session_->prepare(process);
}

// The same number stands for the same stack as long as the trace lasts.
const CheckResources::Origin& CheckResources::origin_of(const LiveHolding& row,
                                                        CheckStacks& stacks) {
  static const Origin kUnknown{};
  const auto known = origins_.find(row.origin);
  if (known != origins_.end()) return known->second;
  Closing asked;
  asked.holding = row;
  const Site* site = session_->ledger().opener_of(asked);
  if (site == nullptr) return kUnknown;
  Origin& origin = origins_[row.origin];
  origin.stack = stacks.adopt(session_->stacks(), site->stack);
  origin.cut = site->cut;
  origin.of_loader = made_by_loader(origin.stack, stacks.stacks());
  return origin;
}

Leftover CheckResources::leftover(const LiveHolding& row, const Origin& origin) const {
  Leftover left;
  left.what = Leftover::What::kResource;
  left.kind = row.kind;
  left.call = row.call;
  left.name = fmt::format("{:#x}", number(row.file));
  if (row.bytes > 0) left.name += " " + human_size(row.bytes);
  if (family_of(row.kind) == Kind::kPair || family_of(row.kind) == Kind::kProbe) {
    const auto names = session_->pairs().names();
    const auto name = names.find(row.kind);
    if (name != names.end()) left.kind_name = clean(name->second);
  }
  left.stack = origin.stack;
  left.cut = origin.cut;
  if (left.stack == StackStore::kEmpty) left.no_stack = "there was no room for it";
  return left;
}

std::vector<CheckResources::Memory> CheckResources::look_through(
    Tid thread, std::span<const LiveHolding> rows) {
  std::map<Kind, std::vector<MemoryBlock>> blocks;
  for (const LiveHolding& row : rows) {
    if (is_memory(row.kind)) blocks[row.kind].push_back(block_of(row));
  }
  std::vector<Memory> found(rows.size());
  if (blocks.empty()) return found;
  std::map<Kind, ReachableBlocks> kinds;
  for (auto& [kind, own] : blocks) kinds.emplace(kind, std::move(own));
  const auto registers = ProcessFollower::registers(thread);
  const auto looked =
      visit_written_memory(thread, registers ? registers->sp : 0,
                           [&](std::uint64_t address, std::span<const std::uint64_t> words) {
                             for (auto& [kind, reachable] : kinds) reachable.words(address, words);
                           });
  const bool whole = looked.ok() && registers.has_value();
  if (!whole) ++unread_;
  for (auto& [kind, reachable] : kinds) {
    if (!registers) continue;
    for (const std::uint64_t word : {registers->bp, registers->bx, registers->r12, registers->r13,
                                     registers->r14, registers->r15}) {
      reachable.root(word);
    }
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto kind = kinds.find(rows[i].kind);
    // Where it could not be looked, nothing is said to be lost.
    if (kind == kinds.end()) continue;
    const std::uint64_t begin = number(rows[i].file);
    found[i].fate = whole ? kind->second.fate(begin) : ReachableBlocks::Fate::kReachable;
    found[i].within = kind->second.within(begin);
  }
  return found;
}

std::vector<Leftover> CheckResources::take(Pid process, Tid thread, CheckStacks& stacks) {
  auto taken = session_->take_resources(process);
  if (!taken) {
    complain(taken.error().message());
    return {};
  }
  std::vector<LiveHolding>& rows = *taken;
  std::erase_if(rows, [&](const LiveHolding& row) {
    return row.kind == Kind::kMapping && origin_of(row, stacks).of_loader;
  });
  const std::vector<Memory> memory = look_through(thread, rows);
  // Of a million blocks of one stack a few are told one by one.
  using Group = std::tuple<Kind, StackNode, bool>;
  std::map<Group, std::vector<std::size_t>> groups;
  std::vector<Leftover> left;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (memory[i].fate == ReachableBlocks::Fate::kWithin) continue;
    const LiveHolding& row = rows[i];
    const Origin& origin = origin_of(row, stacks);
    const bool referenced = memory[i].fate == ReachableBlocks::Fate::kReachable;
    auto& own = groups[{row.kind, origin.stack, referenced}];
    if (own.size() < LeakGroup::kMostSamples) {
      own.push_back(left.size());
      left.push_back(leftover(row, origin));
      left.back().weight = 0;
    }
    Leftover& one = left[own.back()];
    one.bytes += row.bytes + memory[i].within.bytes;
    one.within += memory[i].within.blocks;
    one.weight += row.weight;
    one.estimated |= row.weight > 1;
    one.referenced = referenced;
  }
  return left;
}

std::vector<Loss> CheckResources::losses() const {
  const TraceLosses lost = session_->source().losses();
  std::vector<Loss> losses;
  add_loss(losses, "resources", lost.holdings, "not followed: no room");
  add_loss(losses, "stacks", lost.stacks, "not kept: no room");
  add_loss(losses, "events", lost.events, "not told: no room");
  add_loss(losses, "processes", lost.processes, "not followed: no room");
  add_loss(losses, "processes", unread_,
           "their memory could not be looked through: what it leads to is unknown");
  return losses;
}

}  // namespace plumb::app
