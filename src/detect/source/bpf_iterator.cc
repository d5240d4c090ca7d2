// SPDX-License-Identifier: Apache-2.0
// Runs a BPF iterator.
#include "detect/source/bpf_iterator.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <deque>
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

// Two readers are as fast as what becomes of the rows; more would only wait.
constexpr std::size_t kReaders = 2;
constexpr std::size_t kBatchesAhead = 4;  // of each reader

// A part of a run's rows.
struct Batch {
  std::vector<std::byte> room = std::vector<std::byte>(kBatch);
  std::size_t size = 0;
  std::optional<Error> error;  // the run broke off
  bool last = false;           // of its run

  std::span<const std::byte> rows() const { return std::span(room).first(size); }
};

// A run, from its attachment to its end.
class Run {
 public:
  static Result<Run> start(bpf_program& program, const IteratorScope& scope) {
    const BpfLog log;
    const char* name = bpf_program__name(&program);
    bpf_iter_link_info info{};
    bpf_iter_attach_opts options{};
    options.sz = sizeof options;
    if (scope) {
      info.task.pid = static_cast<__u32>(number(*scope));
      options.link_info = &info;
      options.link_info_len = sizeof info;
    }
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
      const ssize_t got = ::read(file_.get(), batch.room.data() + batch.size, kBatch - batch.size);
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

// Threads that take one run after the other and read it, each a few batches ahead. The destructor
// waits for the batches that are being filled.
class Readers {
 public:
  Readers(bpf_program& program, std::span<const IteratorScope> scopes)
      : program_(program), scopes_(scopes), reader_of_(scopes.size(), kNobody) {
    for (std::size_t reader = 0; reader < std::min(kReaders, scopes.size()); ++reader) {
      lanes_[reader].empty.resize(kBatchesAhead);
      threads_.emplace_back([this, reader](const std::stop_token& stop) { read(stop, reader); });
    }
  }

  // The next batch of this run. A reader's batches come in the order in which it filled them, which
  // is that of the runs: ask for one run after the other, and for each up to its last batch.
  Batch next(std::size_t run) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      return reader_of_[run] != kNobody && !lanes_[reader_of_[run]].full.empty();
    });
    auto& full = lanes_[reader_of_[run]].full;
    Batch first = std::move(full.front());
    full.pop_front();
    return first;
  }
  void give_back(std::size_t run, Batch batch) {
    const std::scoped_lock lock(mutex_);
    lanes_[reader_of_[run]].empty.push_back(std::move(batch));
    changed_.notify_all();
  }

 private:
  static constexpr std::size_t kNobody = ~std::size_t{0};
  struct Lane {
    std::vector<Batch> empty;
    std::deque<Batch> full;
  };

  void read(const std::stop_token& stop, std::size_t reader) {
    while (const auto run = take_run(reader)) {
      auto started = Run::start(program_, scopes_[*run]);
      for (bool last = false; !last;) {
        auto batch = take_empty(stop, reader);
        if (!batch) return;
        if (started) {
          started->fill(*batch);
        } else {
          batch->error = std::move(started).error();
          batch->last = true;
        }
        last = batch->last;
        const std::scoped_lock lock(mutex_);
        lanes_[reader].full.push_back(*std::move(batch));
        changed_.notify_all();
      }
    }
  }
  std::optional<std::size_t> take_run(std::size_t reader) {
    const std::scoped_lock lock(mutex_);
    if (next_ == scopes_.size()) return std::nullopt;
    reader_of_[next_] = reader;
    return next_++;
  }
  std::optional<Batch> take_empty(const std::stop_token& stop, std::size_t reader) {
    auto& empty = lanes_[reader].empty;
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [&] { return !empty.empty(); })) return std::nullopt;
    Batch batch = std::move(empty.back());
    empty.pop_back();
    return batch;
  }

  bpf_program& program_;
  std::span<const IteratorScope> scopes_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::size_t next_ = 0;
  std::vector<std::size_t> reader_of_;  // by run
  std::array<Lane, kReaders> lanes_;
  std::vector<std::jthread> threads_;  // last: they use all of the above
};

}  // namespace

Result<void> run_iterator(bpf_program& program, const TakeRows& take) {
  const auto run = Run::start(program, {});
  if (!run) return run.error();
  Batch batch;
  while (!batch.last) {
    run->fill(batch);
    take(batch.rows());
  }
  if (batch.error) return *std::move(batch.error);
  return {};
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
      readers.give_back(run, std::move(batch));
    }
  }
  return {};
}

}  // namespace plumb::detect
