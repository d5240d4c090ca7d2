// SPDX-License-Identifier: Apache-2.0
// The connections that requests of a Go process hold, ready to be written.
#pragma once

#include <chrono>

#include "detect/model/go_http_leaks.h"
#include "detect/report/sink.h"
#include "detect/report/terminal.h"

namespace plumb::detect {

struct GoHttpDocument {
  const GoHttpLeaks& leaks;
  const GoroutineSnapshot& snapshot;
  GoRequestLosses losses;
  std::chrono::nanoseconds watched{};
  std::chrono::nanoseconds min_age{};
  Secrets secrets = Secrets::kMask;
};

void write_go_http_text(const GoHttpDocument& document, const Paper& paper, const Sink& sink);
void write_go_http_json(const GoHttpDocument& document, const Sink& sink);

}  // namespace plumb::detect
