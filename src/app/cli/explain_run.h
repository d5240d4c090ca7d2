// SPDX-License-Identifier: Apache-2.0
// One run of `plumb explain`: look again and again, trace what looks suspicious, conclude.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/cli/command.h"
#include "app/cli/confirm.h"
#include "app/cli/explain_output.h"
#include "detect/model/selector.h"

namespace plumb::app {

struct ExplainPlan {
  std::vector<detect::Selector> victims;
  std::optional<std::chrono::nanoseconds> duration;  // none: until the verdict is firm
  ExplainOutputs outputs;
  std::string recording;         // a file that takes the facts; empty: none
  std::uint64_t most_bytes = 0;  // of it
  bool reproduce = false;        // run a stuck child's command again
  Consent consent = Consent::kAsk;
};

// kFindings where something is worse than a note.
Exit run_explain(Context& context, const ExplainPlan& plan);

}  // namespace plumb::app
