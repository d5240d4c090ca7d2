// SPDX-License-Identifier: Apache-2.0
// Reading threads' waits for listeners.
#include "detect/finding/serving.h"

#include <algorithm>
#include <variant>

#include "detect/model/wait.h"

namespace plumb::detect {
namespace {

Serving by_epoll(const Joined& joined, ProcessIndex process, Fd epoll, const Descriptor& listener) {
  const auto d = joined.tables.find(process, epoll);
  const Detail* detail = d ? joined.survey.detail_of(joined.row(*d)) : nullptr;
  const auto* watched = detail == nullptr ? nullptr : std::get_if<EpollDetail>(detail);
  if (watched == nullptr) return Serving::kPerhaps;
  for (const EpollWatch& watch : watched->watches) {
    if (watch.fd == listener.fd || watch.inode == listener.inode) return Serving::kYes;
    // An epoll within the epoll may hold it.
    const auto inner = joined.tables.find(process, watch.fd);
    if (inner && joined.row(*inner).kind == Kind::kEpoll) return Serving::kPerhaps;
  }
  return Serving::kNo;
}

Serving by_thread(const Joined& joined, ProcessIndex process, const Thread& thread,
                  const Descriptor& listener) {
  if (!thread.waits_in) return Serving::kPerhaps;
  const Wait wait = wait_of(*thread.waits_in);
  if (wait.call.starts_with("accept")) {
    return wait.fd == listener.fd ? Serving::kYes : Serving::kNo;
  }
  if (wait.call == "io_uring_enter" || wait.call.empty()) return Serving::kPerhaps;
  if (wait.many && wait.fd) return by_epoll(joined, process, *wait.fd, listener);
  return wait.many ? Serving::kPerhaps : Serving::kNo;
}

}  // namespace

Serving serving(const Joined& joined, DescriptorIndex listener) {
  const Descriptor& row = joined.row(listener);
  const Process& process = joined.survey.process_of(row);
  if (process.listed_threads == 0) return Serving::kPerhaps;
  Serving best = Serving::kNo;
  for (std::uint32_t t = 0; t < process.listed_threads; ++t) {
    const Thread& thread = joined.survey.threads[process.first_thread + t];
    best = std::max(best, by_thread(joined, row.process, thread, row));
  }
  return best;
}

Serving anybody_serves(const Joined& joined, DescriptorIndex listener) {
  const auto holders = joined.sharing.holders_of(listener);
  if (holders.empty()) return serving(joined, listener);
  Serving best = Serving::kNo;
  for (const DescriptorIndex holder : holders) best = std::max(best, serving(joined, holder));
  return best;
}

}  // namespace plumb::detect
