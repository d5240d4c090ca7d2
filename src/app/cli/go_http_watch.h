// SPDX-License-Identifier: Apache-2.0
// GoHttpWatch: the requests of one Go process from now on, and which connections they hold.
#pragma once

#include <chrono>
#include <memory>

#include "app/cli/go_program.h"
#include "detect/model/go_http_leaks.h"
#include "detect/record/go_request.h"
#include "detect/record/goroutine.h"
#include "detect/source/go_http_probe.h"
#include "plumb/base/clock.h"
#include "plumb/base/result.h"

namespace plumb::app {

// The stacks of `leaks` stand in the snapshot's store.
struct GoHttpHeld {
  detect::GoHttpLeaks leaks;
  detect::GoroutineSnapshot snapshot;
  detect::GoRequestLosses losses;
  BootTime taken{};
};

class GoHttpWatch {
 public:
  // Places the probes. Errors: as of GoProgram::open and GoHttpProbe::open; ENOTSUP
  // where the program has no HTTP client of Go's net/http that plumb knows.
  static Result<std::unique_ptr<GoHttpWatch>> open(Pid process);
  static Result<std::unique_ptr<GoHttpWatch>> open(std::shared_ptr<GoProgram> program);

  // What is held now by requests that are older than min_age. Errors: of the probe, and ESRCH when
  // the process is gone.
  Result<GoHttpHeld> read(std::chrono::nanoseconds min_age);

 private:
  GoHttpWatch() = default;

  std::shared_ptr<GoProgram> program_;
  std::unique_ptr<detect::GoHttpProbe> probe_;
};

}  // namespace plumb::app
