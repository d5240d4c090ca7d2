// SPDX-License-Identifier: Apache-2.0
// The rounds of reading.
#include "detect/symbol/goroutine_reader.h"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "detect/symbol/byte_reader.h"
#include "detect/symbol/go_stack_names.h"

namespace plumb::detect {
namespace {

using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC, as the runtime's own
using Piece = ProcessAccess::Piece;

constexpr std::size_t kBatch = 512;
// Most stacks are 2 KiB in all; the few that are deeper are read again, whole.
constexpr std::uint64_t kUsualStack = 8U << 10U;
constexpr std::uint64_t kMostStack = 256U << 10U;
constexpr int kRounds = 6;
// A goroutine on a processor may park in a moment; waiting for one that computes would be vain.
constexpr int kRoundsForRunning = 3;

class Reader {
 public:
  Reader(GoRuntime& runtime, std::span<const std::string_view> watched)
      : runtime_(runtime),
        process_(runtime.process()),
        names_(runtime.module(), runtime.code(), found_.stacks) {
    for (const std::string_view name : watched) {
      watched_.push_back(runtime.code().table().find_named(name));
    }
  }

  Result<GoroutineSnapshot> run();

 private:
  // One of a round, from its address to its goroutine.
  struct Attempt {
    std::size_t slot = 0;  // in the runtime's list
    Address at{};
    std::uint64_t want = kUsualStack;
    std::vector<std::byte> structure;
    std::vector<std::byte> stack;
    std::optional<RawGoroutine> raw;
    GoWalk walk;
  };

  bool list();
  void round(std::vector<Attempt>& attempts, int round);
  void batch(std::span<Attempt> attempts, int round, std::vector<Attempt>& again);
  void read_structures(std::span<Attempt> attempts);
  void read_stacks(std::span<Attempt> attempts);
  void settle(Attempt& attempt, int round, std::vector<Attempt>& again);
  void keep(const Attempt& attempt, GoroutineStack read);
  std::optional<Goroutine::Call> call_of(const Attempt& attempt) const;
  std::optional<Tid> thread_of(const RawGoroutine& raw) const;

  GoRuntime& runtime_;
  ProcessView& process_;
  GoroutineSnapshot found_;
  GoStackNames names_;
  std::vector<std::optional<GoTable::Function>> watched_;
  std::vector<Address> listed_;
  std::vector<std::pair<std::size_t, Goroutine>> kept_;  // by slot
  std::chrono::nanoseconds began_ = Clock::now().time_since_epoch();
};

bool Reader::list() {
  const auto all = runtime_.slice(runtime_.goroutines());
  if (!all) return false;
  listed_.resize(all->length);
  // The list only grows; what it grew out of stays until it is collected and is not overwritten
  // before that.
  return runtime_.read(all->data, std::as_writable_bytes(std::span(listed_)));
}

void Reader::read_structures(std::span<Attempt> attempts) {
  std::vector<Piece> pieces;
  for (Attempt& attempt : attempts) {
    attempt.structure.resize(runtime_.layout().size());
    pieces.push_back({attempt.at, attempt.structure});
  }
  process_.access().read_pieces(process_.process(), pieces);
  for (std::size_t index = 0; index < attempts.size(); ++index) {
    attempts[index].structure.resize(pieces[index].got);
  }
}

void Reader::read_stacks(std::span<Attempt> attempts) {
  std::vector<Piece> pieces;
  for (Attempt& attempt : attempts) {
    attempt.stack.clear();
    if (!attempt.raw || !attempt.raw->parked()) continue;
    const std::uint64_t used = number(attempt.raw->stack_hi) - number(attempt.raw->walk_sp());
    attempt.stack.resize(std::min(used, attempt.want));
    pieces.push_back({attempt.raw->walk_sp(), attempt.stack});
  }
  process_.access().read_pieces(process_.process(), pieces);
  auto piece = pieces.begin();
  for (Attempt& attempt : attempts) {
    if (!attempt.stack.empty()) attempt.stack.resize((piece++)->got);
  }
}

void Reader::batch(std::span<Attempt> attempts, int round, std::vector<Attempt>& again) {
  read_structures(attempts);
  for (Attempt& attempt : attempts) {
    attempt.raw = decode_goroutine(attempt.structure, runtime_.layout());
  }
  read_stacks(attempts);
  for (Attempt& attempt : attempts) {
    attempt.walk = {};
    if (attempt.stack.empty()) continue;
    attempt.walk = walk_go_stack(runtime_.code(), attempt.stack, attempt.raw->walk_pc(),
                                 attempt.raw->walk_sp(), attempt.raw->bp);
  }
  read_structures(attempts);
  for (Attempt& attempt : attempts) settle(attempt, round, again);
}

void Reader::settle(Attempt& attempt, int round, std::vector<Attempt>& again) {
  const bool last = round + 1 >= kRounds;
  const auto later = decode_goroutine(attempt.structure, runtime_.layout());
  const Plausible judged = attempt.raw ? judge(*attempt.raw, runtime_.code()) : Plausible::kNo;
  const bool torn = !attempt.raw || !later || !attempt.raw->same_place(*later);
  if (torn && !last) {
    ++found_.read_again;
    again.push_back(std::move(attempt));
    return;
  }
  if (judged == Plausible::kIdle) {
    ++found_.dead;
    return;
  }
  if (judged == Plausible::kNo) {
    if (!last) {
      again.push_back(std::move(attempt));
    } else {
      ++found_.unreadable;
    }
    return;
  }
  if (torn) return keep(attempt, GoroutineStack::kTorn);
  if (!attempt.raw->parked()) {
    if (round + 1 >= kRoundsForRunning) return keep(attempt, GoroutineStack::kRunning);
    again.push_back(std::move(attempt));
    return;
  }
  if (attempt.walk.end == GoWalk::End::kWhole) return keep(attempt, GoroutineStack::kWhole);
  if (!last && attempt.walk.end != GoWalk::End::kTooDeep) {
    attempt.want = kMostStack;
    again.push_back(std::move(attempt));
    return;
  }
  keep(attempt, GoroutineStack::kCut);
}

std::optional<Tid> Reader::thread_of(const RawGoroutine& raw) const {
  const GoroutineState state = raw.state();
  if (state != GoroutineState::kRunning && state != GoroutineState::kSyscall) return std::nullopt;
  if (number(raw.m) == 0) return std::nullopt;
  const auto number = runtime_.read<std::uint64_t>(raw.m + runtime_.layout().m_procid);
  if (!number || *number == 0 || *number > 1U << 22U) return std::nullopt;  // PID_MAX_LIMIT
  return Tid{static_cast<std::int32_t>(*number)};
}

std::optional<Goroutine::Call> Reader::call_of(const Attempt& attempt) const {
  const GoWalk& walk = attempt.walk;
  for (std::size_t frame = walk.homes.size(); frame-- > 0;) {
    const ElfAddress at = runtime_.code().linked(walk.lookups[frame]);
    for (std::size_t index = 0; index < watched_.size(); ++index) {
      const auto& function = watched_[index];
      if (!function || at < function->entry || at >= function->end) continue;
      const std::uint64_t offset = number(walk.homes[frame]) - number(attempt.raw->walk_sp());
      ByteReader home(attempt.stack, std::min<std::uint64_t>(offset, attempt.stack.size()));
      return Goroutine::Call{static_cast<std::uint8_t>(index), home.read<std::uint64_t>()};
    }
  }
  return std::nullopt;
}

void Reader::keep(const Attempt& attempt, GoroutineStack read) {
  const RawGoroutine& raw = *attempt.raw;
  Goroutine one;
  one.id = GoroutineId{raw.id};
  if (raw.parent && *raw.parent != 0) one.parent = GoroutineId{*raw.parent};
  one.state = raw.state();
  one.read = read;
  one.locked = number(raw.locked_m) != 0;
  one.thread = thread_of(raw);
  if (one.state == GoroutineState::kWaiting) {
    one.reason = raw.wait_reason;
    const std::chrono::nanoseconds since{raw.wait_since};
    if (since.count() > 0 && since <= began_) one.waited = began_ - since;
  }
  const bool walked = read == GoroutineStack::kWhole || read == GoroutineStack::kCut;
  const std::vector<Address> beginning{raw.start_pc};
  const std::vector<Address>& lookups = walked ? attempt.walk.lookups : beginning;
  one.stack = names_.name(lookups);
  if (walked && !watched_.empty()) one.call = call_of(attempt);
  one.system = names_.of_the_runtime(raw.start_pc, lookups);
  if (number(raw.go_pc) != 0) {
    const std::vector<Address> creator{raw.go_pc - 1};
    one.creator = names_.name(creator);
  }
  kept_.emplace_back(attempt.slot, one);
}

void Reader::round(std::vector<Attempt>& attempts, int round) {
  std::vector<Attempt> again;
  for (std::size_t at = 0; at < attempts.size(); at += kBatch) {
    batch(std::span(attempts).subspan(at, std::min(kBatch, attempts.size() - at)), round, again);
  }
  attempts = std::move(again);
}

Result<GoroutineSnapshot> Reader::run() {
  if (!list()) {
    return fail("read the goroutines of", std::to_string(number(process_.process())), ESRCH,
                "it ended");
  }
  // The first round goes through in batches with one set of buffers, the others with what is left.
  std::vector<Attempt> left;
  std::vector<Attempt> some;
  for (std::size_t at = 0; at < listed_.size(); at += kBatch) {
    const std::size_t count = std::min(kBatch, listed_.size() - at);
    some.resize(count);
    for (std::size_t index = 0; index < count; ++index) {
      some[index].slot = at + index;
      some[index].at = listed_[at + index];
      some[index].want = kUsualStack;
    }
    batch(some, 0, left);
  }
  for (int next = 1; next < kRounds && !left.empty(); ++next) round(left, next);
  if (kept_.empty()) {
    return fail("read the goroutines of", std::to_string(number(process_.process())), ESRCH,
                "it ended");
  }
  std::ranges::sort(kept_, {}, &std::pair<std::size_t, Goroutine>::first);
  for (auto& [slot, goroutine] : kept_) found_.goroutines.push_back(goroutine);
  found_.process = process_.process();
  found_.go_version = runtime_.version();
  found_.layout = runtime_.layout_source();
  found_.wait_reasons = runtime_.wait_reasons();
  found_.listed = listed_.size();
  found_.took = Clock::now().time_since_epoch() - began_;
  return std::move(found_);
}

}  // namespace

Result<GoroutineSnapshot> read_goroutines(GoRuntime& runtime,
                                          std::span<const std::string_view> watched) {
  return Reader(runtime, watched).run();
}

}  // namespace plumb::detect
