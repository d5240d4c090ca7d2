// SPDX-License-Identifier: Apache-2.0
// Reading the process's limit and counting its descriptors without opening one.
#include "plumb/loop/budget.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace plumb::runtime {
namespace {

// Beyond this the count number by number would take longer than 10 ms; the rest is not looked at.
constexpr std::size_t kMostProbed = 65536;

std::size_t soft_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;  // cannot fail with these arguments
  return limit.rlim_cur == RLIM_INFINITY ? SIZE_MAX : static_cast<std::size_t>(limit.rlim_cur);
}

std::size_t open_descriptors(std::size_t limit) noexcept {
  struct stat directory {};
  if (::stat("/proc/self/fd", &directory) == 0 && directory.st_size > 0) {
    return static_cast<std::size_t>(directory.st_size);
  }
  std::size_t count = 0;
  for (std::size_t fd = 0; fd < std::min(limit, kMostProbed); ++fd) {
    if (::fcntl(static_cast<int>(fd), F_GETFD) != -1) ++count;
  }
  return count;
}

}  // namespace

DescriptorBudget::DescriptorBudget() : DescriptorBudget(Options{}) {}

DescriptorBudget::DescriptorBudget(Options options) {
  rlimit limit{};
  if (options.raise_to_hard && ::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    // Lowering is always allowed and raising to the hard limit too; a refusal leaves what there is.
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  sample();
}

std::size_t DescriptorBudget::available() const noexcept {
  const std::size_t used = owned() + foreign();
  return limit() > used ? limit() - used : 0;
}

void DescriptorBudget::sample() noexcept {
  const std::size_t limit = soft_limit();
  limit_.store(limit, std::memory_order_relaxed);
  const std::size_t open = open_descriptors(limit);
  const std::size_t own = owned();
  foreign_.store(open > own ? open - own : 0, std::memory_order_relaxed);
}

void DescriptorBudget::set_on_release(std::function<void()> on_release) {
  const std::lock_guard lock(mutex_);
  on_release_ = std::move(on_release);
}

void DescriptorBudget::notify() noexcept {
  if (!watched_.exchange(false, std::memory_order_relaxed)) return;
  const std::lock_guard lock(mutex_);
  if (on_release_) on_release_();
}

}  // namespace plumb::runtime
