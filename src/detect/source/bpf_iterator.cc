// SPDX-License-Identifier: Apache-2.0
// Runs a BPF iterator.
#include "detect/source/bpf_iterator.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
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

constexpr std::size_t kBatchesAhead = 4;

// What one filling of a batch came to.
struct Filled {
  std::vector<std::byte> bytes;  // as much as was read
  bool last = false;
  int error = 0;
};

Filled fill(const UniqueFd& file, std::vector<std::byte> room) {
  Filled filled;
  room.resize(kBatch);
  std::size_t size = 0;
  while (!filled.last && kBatch - size >= kIteratorBuffer) {
    const ssize_t got = ::read(file.get(), room.data() + size, kBatch - size);
    // EAGAIN: a million objects went by without a row (bpf_seq_read, MAX_ITER_OBJECTS).
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) filled.error = errno;
    if (got <= 0) filled.last = true;
    if (got > 0) size += static_cast<std::size_t>(got);
  }
  room.resize(size);
  filled.bytes = std::move(room);
  return filled;
}

// Fills batches on a thread of its own. The destructor waits for the one that is being filled.
class ReadAhead {
 public:
  explicit ReadAhead(const UniqueFd& file) : file_(file) {
    empty_.resize(kBatchesAhead);
    thread_ = std::jthread([this](const std::stop_token& stop) { read(stop); });
  }

  Filled next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !full_.empty(); });
    Filled first = std::move(full_.front());
    full_.erase(full_.begin());
    return first;
  }
  void give_back(std::vector<std::byte> room) {
    const std::scoped_lock lock(mutex_);
    empty_.push_back(std::move(room));
    changed_.notify_all();
  }

 private:
  void read(const std::stop_token& stop) {
    bool last = false;
    while (!last) {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return !empty_.empty(); })) return;
      std::vector<std::byte> room = std::move(empty_.back());
      empty_.pop_back();
      lock.unlock();
      Filled filled = fill(file_, std::move(room));
      last = filled.last;
      lock.lock();
      full_.push_back(std::move(filled));
      changed_.notify_all();
    }
  }

  const UniqueFd& file_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<std::vector<std::byte>> empty_;
  std::vector<Filled> full_;  // in the order of reading
  std::jthread thread_;       // last: it uses all of the above
};

}  // namespace

Result<void> run_iterator(bpf_program& program, const IteratorScope& scope,
                          const std::function<void(std::span<const std::byte>)>& take) {
  const BpfLog log;
  const char* name = bpf_program__name(&program);
  bpf_iter_link_info info{};
  bpf_iter_attach_opts options{};
  options.sz = sizeof options;
  if (scope.process) {
    info.task.pid = static_cast<__u32>(number(*scope.process));
    options.link_info = &info;
    options.link_info_len = sizeof info;
  }
  const BpfLink link(bpf_program__attach_iter(&program, &options));
  if (!link) return bpf_failure("attach iterator", name, errno, log);
  const UniqueFd file(bpf_iter_create(bpf_link__fd(link.get())));
  if (!file) return bpf_failure("create iterator", name, errno, log);

  std::optional<ReadAhead> ahead;
  if (scope.read_ahead) ahead.emplace(file);
  std::vector<std::byte> room;
  while (true) {
    Filled filled = ahead ? ahead->next() : fill(file, std::move(room));
    take(filled.bytes);
    if (filled.error != 0) return fail("read iterator", name, filled.error);
    if (filled.last) return {};
    if (ahead) {
      ahead->give_back(std::move(filled.bytes));
    } else {
      room = std::move(filled.bytes);
    }
  }
}

}  // namespace plumb::detect
