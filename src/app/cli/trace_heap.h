// SPDX-License-Identifier: Apache-2.0
// TraceHeap: following the heap of a trace's processes: a command by the sampler that it is started
// with, running processes by probes on the functions of their allocator.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "detect/source/heap_preload.h"
#include "detect/source/trace_source.h"
#include "detect/symbol/image.h"
#include "detect/symbol/maps.h"
#include "plumb/base/ids.h"

namespace plumb::app {

// How the heap of a running process may be followed.
enum class HeapWay : std::uint8_t {
  kProbes,       // also by probes on its allocator, which make it several times slower
  kSamplerOnly,  // where another trace has started it with the sampler, which costs next to nothing
};

class TraceHeap {
 public:
  // The source must outlive it.
  TraceHeap(detect::TraceSource& source, std::uint64_t mean, HeapWay way, detect::FreedMemory freed)
      : source_(source), mean_(mean), way_(way), freed_(freed) {}

  // What a command must find in its environment. Errors: of HeapPreload and of the kernel.
  Result<std::vector<std::string>> prepare(const std::string& program);
  // Follows a running process, each file once.
  void look_at(Pid process);

  // What could not be followed; for people.
  const std::set<std::string>& blinds() const { return blinds_; }

 private:
  bool probe(Pid process, const std::string& path, bool library);

  void follow_sampler(const detect::AddressSpace& space);

  detect::TraceSource& source_;
  std::uint64_t mean_;
  HeapWay way_;
  std::set<std::string> samplers_;
  detect::FreedMemory freed_;
  std::optional<detect::HeapPreload> preload_;
  std::set<std::pair<Pid, detect::FileKey>> probed_;
  std::set<std::string> blinds_;
  bool warned_ = false;  // of what probes cost
};

}  // namespace plumb::app
