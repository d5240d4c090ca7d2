// SPDX-License-Identifier: Apache-2.0
// Runs a BPF iterator.
#include "detect/source/bpf_iterator.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "detect/source/bpf_support.h"
#include "plumb/base/unique_fd.h"

namespace plumb::detect {
namespace {

// The iterator's own buffer is 8 pages, and one read gives at most that much, in whole rows if it
// all fits. 256 KiB of ours make a batch that stays in the processor's second cache.
constexpr std::size_t kIteratorBuffer = std::size_t{32} << 10;
constexpr std::size_t kBatch = std::size_t{256} << 10;

// While one reader's process goes by, the other one reads its next: 20,000 descriptors are 3 MiB.
constexpr std::size_t kBatches = 16;
constexpr std::size_t kReserved = 2;  // of these for the run whose rows are wanted now

// A part of a run's rows.
struct Batch {
  std::unique_ptr<std::byte[]> room;  // of kBatch bytes
  std::size_t size = 0;
  std::optional<Error> error;  // the run broke off
  bool last = false;           // of its run

  std::span<const std::byte> rows() const { return {room.get(), size}; }
};

Batch make_batch() {
  return {.room = std::make_unique_for_overwrite<std::byte[]>(kBatch), .error = {}};
}

// A run, from its attachment to its end.
class Run {
 public:
  static Result<Run> start(bpf_program& program, const IteratorScope& scope) {
    if (!scope) return start(program, nullptr);
    bpf_iter_link_info info{};
    info.task.pid = static_cast<__u32>(number(*scope));
    return start(program, &info);
  }
  static Result<Run> start_on_map(bpf_program& program, int map) {
    bpf_iter_link_info info{};
    info.map.map_fd = static_cast<__u32>(map);
    return start(program, &info);
  }

  static Result<Run> start(bpf_program& program, bpf_iter_link_info* info) {
    const BpfLog log;
    const char* name = bpf_program__name(&program);
    bpf_iter_attach_opts options{};
    options.sz = sizeof options;
    options.link_info = info;
    options.link_info_len = info == nullptr ? 0 : sizeof *info;
    Run run;
    run.name_ = name;
    run.link_.reset(bpf_program__attach_iter(&program, &options));
    if (!run.link_) return bpf_failure("attach iterator", name, errno, log);
    run.file_ = UniqueFd(bpf_iter_create(bpf_link__fd(run.link_.get())));
    if (!run.file_) return bpf_failure("create iterator", name, errno, log);
    return run;
  }

  void fill(Batch& batch) const {
    batch.size = 0;
    batch.last = false;
    while (!batch.last && kBatch - batch.size >= kIteratorBuffer) {
      const ssize_t got = ::read(file_.get(), batch.room.get() + batch.size, kBatch - batch.size);
      // EAGAIN: a million objects went by without a row (bpf_seq_read, MAX_ITER_OBJECTS).
      if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (got < 0) batch.error = fail("read iterator", name_, errno);
      if (got <= 0) batch.last = true;
      if (got > 0) batch.size += static_cast<std::size_t>(got);
    }
  }

 private:
  BpfLink link_;
  UniqueFd file_;
  const char* name_ = nullptr;
};

// Threads that take one run after the other and read it, some batches ahead. The destructor waits
// for the batches that are being filled.
class Readers {
 public:
  Readers(bpf_program& program, std::span<const IteratorScope> scopes)
      : program_(program), scopes_(scopes), full_(scopes.size()) {
    for (std::size_t reader = 0; reader < std::min(kReaders, scopes.size()); ++reader) {
      threads_.emplace_back([this](const std::stop_token& stop) { read(stop); });
    }
  }

  // The next batch of this run. Ask for one run after the other, and for each up to its last batch.
  Batch next(std::size_t run) {
    std::unique_lock lock(mutex_);
    wanted_ = run;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !full_[run].empty(); });
    Batch first = std::move(full_[run].front());
    full_[run].erase(full_[run].begin());
    return first;
  }
  void give_back(Batch batch) {
    const std::scoped_lock lock(mutex_);
    empty_.push_back(std::move(batch));
    changed_.notify_all();
  }

 private:
  void read(const std::stop_token& stop) {
    while (const auto run = take_run()) {
      auto started = Run::start(program_, scopes_[*run]);
      for (bool last = false; !last;) {
        auto batch = take_empty(stop, *run);
        if (!batch) return;
        if (started) {
          started->fill(*batch);
        } else {
          batch->error = std::move(started).error();
          batch->last = true;
        }
        last = batch->last;
        const std::scoped_lock lock(mutex_);
        full_[*run].push_back(*std::move(batch));
        changed_.notify_all();
      }
    }
  }
  std::optional<std::size_t> take_run() {
    const std::scoped_lock lock(mutex_);
    if (next_ == scopes_.size()) return std::nullopt;
    return next_++;
  }
  // Runs that are not wanted yet leave some batches: else all could be full of their rows while
  // the wanted one has none to fill.
  std::optional<Batch> take_empty(const std::stop_token& stop, std::size_t run) {
    std::unique_lock lock(mutex_);
    const auto left = [&] { return empty_.size() + kBatches - made_; };
    const auto ready = [&] { return left() > (run == wanted_ ? 0 : kReserved); };
    if (!changed_.wait(lock, stop, ready)) return std::nullopt;
    if (empty_.empty()) {
      ++made_;
      return make_batch();
    }
    Batch batch = std::move(empty_.back());
    empty_.pop_back();
    return batch;
  }

  bpf_program& program_;
  std::span<const IteratorScope> scopes_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::size_t next_ = 0;    // run to read
  std::size_t wanted_ = 0;  // run whose rows are asked for
  std::size_t made_ = 0;    // batches
  std::vector<Batch> empty_;
  std::vector<std::vector<Batch>> full_;  // by run
  std::vector<std::jthread> threads_;     // last: they use all of the above
};

}  // namespace

namespace {

Result<void> take_all(const Result<Run>& run, const TakeRows& take) {
  if (!run) return run.error();
  Batch batch = make_batch();
  while (!batch.last) {
    run->fill(batch);
    take(batch.rows());
  }
  if (batch.error) return *std::move(batch.error);
  return {};
}

}  // namespace

Result<void> run_iterator(bpf_program& program, const IteratorScope& scope, const TakeRows& take) {
  return take_all(Run::start(program, scope), take);
}

Result<void> run_map_iterator(bpf_program& program, int map, const TakeRows& take) {
  return take_all(Run::start_on_map(program, map), take);
}

Result<void> run_iterators(bpf_program& program, std::span<const IteratorScope> scopes,
                           const TakeRows& take) {
  Readers readers(program, scopes);
  for (std::size_t run = 0; run < scopes.size(); ++run) {
    for (bool last = false; !last;) {
      Batch batch = readers.next(run);
      take(batch.rows());
      if (batch.error) return *std::move(batch.error);
      last = batch.last;
      readers.give_back(std::move(batch));
    }
  }
  return {};
}

}  // namespace plumb::detect
