// SPDX-License-Identifier: Apache-2.0
// WaitReader: from a thread's blocking call to the parties that can end it.
#pragma once

#include <functional>
#include <unordered_set>
#include <vector>

#include "detect/model/wait_graph.h"

namespace plumb::detect {

// Threads: immutable once made. Lives as long as a WaitGraph is made.
class WaitReader {
 public:
  explicit WaitReader(const Joined& joined);

  ThreadParties read(ProcessIndex process, ThreadIndex thread) const;

  // The descriptors on which the thread waits: its argument, its poll list, its epoll's watches and
  // those of an epoll within it. Bounded.
  using Visit = std::function<void(DescriptorIndex, WaitEvidence)>;
  void visit_waited(ProcessIndex process, ThreadIndex thread, const Visit& visit) const;

 private:
  const ThreadWait* facts_of(ThreadIndex thread) const;
  void visit_epoll(ProcessIndex process, DescriptorIndex epoll, WaitEvidence evidence, int depth,
                   const Visit& visit) const;
  Party party_on(ProcessIndex process, DescriptorIndex d, WaitEvidence evidence) const;
  Party socket_party(ProcessIndex process, DescriptorIndex d) const;
  void add_end(ProcessIndex process, DescriptorIndex d, Party& party) const;
  Party same_file_party(ProcessIndex process, DescriptorIndex d) const;
  Party lock_party(ProcessIndex process, DescriptorIndex d) const;
  Party children_party(ProcessIndex process, const BlockingCall& call) const;
  Party futex_party(const Process& process, const BlockingCall& call,
                    const ThreadWait* facts) const;
  std::optional<Party> party_of_call(ProcessIndex process, const BlockingCall& call,
                                     const ThreadWait* facts) const;
  std::optional<ThreadIndex> thread_numbered(const Process& process, std::uint32_t tid) const;
  bool is_accepted(const Descriptor& row) const;

  const Joined& joined_;
  const Survey& survey_;
  std::unordered_set<std::uint64_t> listening_;      // net namespace and port of TCP listeners
  std::vector<std::vector<ProcessIndex>> children_;  // by process
  std::vector<bool> waited_;                         // by descriptor: its holder waits on it
};

}  // namespace plumb::detect
