// SPDX-License-Identifier: Apache-2.0
// GoProgram: a running Go process, opened for reading: its view and its runtime, for all that look
// into it.
#pragma once

#include <memory>

#include "detect/symbol/go_runtime.h"
#include "detect/symbol/module_cache.h"
#include "detect/symbol/process_access.h"
#include "detect/symbol/process_view.h"
#include "plumb/base/result.h"

namespace plumb::app {

class GoProgram {
 public:
  // Errors: ENOEXEC where it is none of Go's, else as of ProcessView and GoRuntime::find.
  static Result<std::shared_ptr<GoProgram>> open(Pid process);

  Pid process() const { return view_->process(); }
  detect::GoRuntime& runtime() { return *runtime_; }

 private:
  GoProgram() = default;

  detect::ProcAccess access_;
  detect::ModuleCache modules_;
  std::unique_ptr<detect::ProcessView> view_;
  std::unique_ptr<detect::GoRuntime> runtime_;
};

}  // namespace plumb::app
