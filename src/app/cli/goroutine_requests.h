// SPDX-License-Identifier: Apache-2.0
// plumb goroutines --http: which requests of a Go process hold a connection.
#pragma once

#include <chrono>
#include <optional>

#include "app/cli/command.h"
#include "detect/model/go_http_leaks.h"
#include "plumb/base/ids.h"

namespace plumb::app {

struct RequestsPlan {
  Pid process{};
  std::optional<std::chrono::nanoseconds> duration;
  std::chrono::nanoseconds min_age = std::chrono::seconds(5);
  detect::Secrets secrets = detect::Secrets::kMask;
  bool json = false;
};

// Watches until the time is over, a SIGINT or SIGTERM comes, or the process has ended, and prints
// what is held then. kFindings where a response's body was forgotten.
Exit watch_requests(Context& context, const RequestsPlan& plan);

}  // namespace plumb::app
