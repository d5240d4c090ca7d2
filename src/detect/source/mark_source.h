// SPDX-License-Identifier: Apache-2.0
// MarkSource: marks as the kernel sees them happen: programs that are started, children that are
// made, and the runs of jobs of programs on plumb's runtime (the probe plumb:mark).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "detect/record/mark.h"
#include "plumb/base/result.h"

namespace plumb::detect {

class MarkSource {
 public:
  virtual ~MarkSource() = default;

  // Watches starts of programs and children on the whole machine; some 1 us each. Errors: EPERM
  // without CAP_BPF and CAP_PERFMON, ENOENT without the kernel's BTF.
  static Result<std::unique_ptr<MarkSource>> open();

  // The jobs of this process too. False where it has no such probe.
  virtual bool follow_jobs(Pid process) = 0;
  // What has come since the last call; does not wait.
  virtual void take(const std::function<void(Mark)>& each) = 0;
  virtual std::uint64_t lost() const = 0;
};

}  // namespace plumb::detect
