// SPDX-License-Identifier: Apache-2.0
// ReadAlong: the HTTP of processes at which others wait, captured while an explanation goes on.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "detect/finding/facts.h"
#include "detect/model/exchange_ledger.h"
#include "detect/source/capture_source.h"
#include "plumb/base/clock.h"
#include "plumb/base/ids.h"

namespace plumb::app {

// Loads the capture with the first process. Follows at most eight; keeps at most 4,000 exchanges.
class ReadAlong {
 public:
  void follow(Pid process);
  // Takes in what has come.
  void attend();
  // What was read so far; nothing where nobody is followed. Refers to this object.
  std::optional<detect::ExchangeFacts> facts() const;
  // Why nothing can be read; empty where it can.
  const std::string& why_not() const { return why_not_; }

 private:
  std::unique_ptr<detect::CaptureSource> source_;
  std::string why_not_;
  detect::ExchangeLedger ledger_;
  BootTime looked_over_{};
  std::vector<detect::Exchange> ended_;
  std::set<Pid> followed_;
};

}  // namespace plumb::app
