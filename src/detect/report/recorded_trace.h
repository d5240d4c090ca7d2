// SPDX-License-Identifier: Apache-2.0
// RecordedTrace: a trace as it stands in a recording, with its ledger, ready to be written: the
// same report as where it was recorded.
#pragma once

#include "detect/record/recording.h"
#include "detect/report/trace_document.h"

namespace plumb::detect {

class RecordedTrace {
 public:
  // `recording` has a trace, and must outlive this.
  explicit RecordedTrace(const Recording& recording);
  // Refers to this and to the recording.
  TraceDocument document() const;
  const TraceLedger& ledger() const { return ledger_; }

 private:
  const Recording& recording_;
  TraceLedger ledger_;
  SampleTexts texts_;
};

}  // namespace plumb::detect
