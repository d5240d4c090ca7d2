// SPDX-License-Identifier: Apache-2.0
// DescriptorBudget: the process's descriptor table as a quantity one can plan with. EMFILE is the
// news that it is too late; the budget knows before: the limit, what plumb's loops own, and what
// others in the process hold, sampled now and then.
//
// One per process, made by main and lent to every loop; it must outlive them. Threads: any.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <mutex>

namespace plumb::runtime {

class DescriptorBudget {
 public:
  struct Options {
    bool raise_to_hard = true;  // lift the soft RLIMIT_NOFILE to the hard one now
  };

  DescriptorBudget();
  explicit DescriptorBudget(Options options);
  DescriptorBudget(const DescriptorBudget&) = delete;
  DescriptorBudget& operator=(const DescriptorBudget&) = delete;

  std::size_t limit() const noexcept { return limit_.load(std::memory_order_relaxed); }
  // Open descriptors that belong to loops and their reserve.
  std::size_t owned() const noexcept { return owned_.load(std::memory_order_relaxed); }
  // Open descriptors of the process that are nobody's of plumb, as of the last sample().
  std::size_t foreign() const noexcept { return foreign_.load(std::memory_order_relaxed); }
  // How many more can be opened, by these numbers.
  std::size_t available() const noexcept;

  // Counts the process's open descriptors anew and reads the limit again. Opens none itself: uses
  // the size of /proc/self/fd (Linux 6.2, commit f1f1f2569901) and asks number by number elsewhere,
  // about 0.1 us each.
  void sample() noexcept;

  void acquired() noexcept { owned_.fetch_add(1, std::memory_order_relaxed); }
  void released() noexcept {
    owned_.fetch_sub(1, std::memory_order_relaxed);
    if (watched_.load(std::memory_order_relaxed)) notify();
  }

  // For a reserve that is closed in order to be used at once: nobody is told, as there is no room.
  void lent() noexcept { owned_.fetch_sub(1, std::memory_order_relaxed); }

  // Has `on_release` called once, from the thread that next releases a descriptor, if `watch` was
  // called since the last time. For the accept governor, which then wakes its paused listeners.
  void set_on_release(std::function<void()> on_release);
  void watch() noexcept { watched_.store(true, std::memory_order_relaxed); }

 private:
  void notify() noexcept;

  std::atomic<std::size_t> limit_{0};
  std::atomic<std::size_t> owned_{0};
  std::atomic<std::size_t> foreign_{0};
  std::atomic<bool> watched_{false};
  std::mutex mutex_;  // guards on_release_
  std::function<void()> on_release_;
};

}  // namespace plumb::runtime
