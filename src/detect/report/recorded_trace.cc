// SPDX-License-Identifier: Apache-2.0
// From recorded facts to the document of a trace.
#include "detect/report/recorded_trace.h"

namespace plumb::detect {

RecordedTrace::RecordedTrace(const Recording& recording)
    : recording_(recording), ledger_(recording.trace->facts) {
  for (const HoldingName& name : recording.trace->names) {
    texts_[{name.pid, name.fd, name.file}] = {clean(name.name), clean(name.other_end)};
  }
}

TraceDocument RecordedTrace::document() const {
  const TraceRecording& trace = *recording_.trace;
  return {.ledger = ledger_,
          .stacks = recording_.stacks,
          .texts = texts_,
          .losses = trace.losses,
          .repairs = trace.repairs,
          .unnamed_stacks = trace.unnamed_stacks,
          .kinds = trace.kinds,
          .named_kinds = trace.named_kinds,
          .all_closings = trace.all_closings,
          .command = trace.command};
}

}  // namespace plumb::detect
