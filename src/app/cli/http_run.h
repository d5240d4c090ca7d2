// SPDX-License-Identifier: Apache-2.0
// Running a capture of exchanges from its beginning to its report.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "app/cli/command.h"
#include "detect/model/secrets.h"
#include "plumb/base/ids.h"

namespace plumb::app {

struct HttpPlan {
  std::vector<Pid> processes;
  std::optional<std::chrono::nanoseconds> duration;  // nothing: until ^C or their end
  bool json = false;
  std::string har;  // file
  detect::Secrets secrets = detect::Secrets::kMask;
};

Exit run_http(Context& context, const HttpPlan& plan);

}  // namespace plumb::app
