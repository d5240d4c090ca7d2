// SPDX-License-Identifier: Apache-2.0
// JitNames: the names of one process's generated code, as they are in its perf map at the moment of
// asking. A compiler writes the line before the code runs, so code that was met has its name by
// then; what an earlier reading lacked, or knew by another name, is read now. Only what was
// appended is read, so that asking costs one fstat.
//
// Threads: one at a time.
#pragma once

#include <cstdint>
#include <memory>

#include "detect/symbol/perf_map.h"
#include "detect/symbol/process_access.h"
#include "plumb/base/clock.h"
#include "plumb/base/ids.h"

namespace plumb::detect {

class JitNames {
 public:
  explicit JitNames(Pid process) : process_(process) {}

  // Nothing where the process writes no map, or none with that code. Lives until the next call.
  std::optional<PerfMap::Name> find(const ProcessAccess& access, Address address);

 private:
  void refresh(const ProcessAccess& access);
  bool open(const ProcessAccess& access);

  Pid process_;
  std::unique_ptr<FileImage> file_;
  PerfMap map_;
  std::uint64_t read_ = 0;  // bytes of the file that are in the map
  BootTime looked_at_{};    // for the file, where there was none
};

}  // namespace plumb::detect
