// SPDX-License-Identifier: Apache-2.0
// Reading threads' waits for listeners.
#include "detect/finding/serving.h"

#include <algorithm>

#include "detect/model/wait.h"

namespace plumb::detect {
namespace {

Serving by_thread(const Joined& joined, const WaitReader& reader, ProcessIndex process,
                  ThreadIndex thread, const Descriptor& listener) {
  const Thread& row = joined.survey.threads[number(thread)];
  if (!row.waits_in) return Serving::kPerhaps;
  const Wait wait = wait_of(*row.waits_in);
  if (wait.call == "io_uring_enter" || wait.call.empty()) return Serving::kPerhaps;
  bool sees = false;
  bool any = false;
  reader.visit_waited(process, thread, [&](DescriptorIndex d, WaitEvidence) {
    any = true;
    sees |= joined.row(d).inode == listener.inode;
  });
  if (sees) return Serving::kYes;
  // An event loop whose list could not be read may hold it.
  return wait.many && !any ? Serving::kPerhaps : Serving::kNo;
}

}  // namespace

Serving serving(const Joined& joined, const WaitReader& reader, DescriptorIndex listener) {
  const Descriptor& row = joined.row(listener);
  const Process& process = joined.survey.process_of(row);
  if (process.listed_threads == 0) return Serving::kPerhaps;
  Serving best = Serving::kNo;
  for (std::uint32_t t = 0; t < process.listed_threads; ++t) {
    const ThreadIndex thread{process.first_thread + t};
    best = std::max(best, by_thread(joined, reader, row.process, thread, row));
  }
  return best;
}

Serving anybody_serves(const Joined& joined, const WaitReader& reader, DescriptorIndex listener) {
  const auto holders = joined.sharing.holders_of(listener);
  if (holders.empty()) return serving(joined, reader, listener);
  Serving best = Serving::kNo;
  for (const DescriptorIndex holder : holders)
    best = std::max(best, serving(joined, reader, holder));
  return best;
}

}  // namespace plumb::detect
