// SPDX-License-Identifier: Apache-2.0
// Reports from recordings.
#include "app/cli/replay.h"

#include "detect/finding/recorded_facts.h"
#include "detect/report/recorded_trace.h"
#include "detect/report/terminal.h"

namespace plumb::app {

using namespace detect;

std::optional<Recording> open_recording(const std::string& path) {
  auto recording = read_recording(path);
  if (!recording) {
    complain(recording.error().message());
    return std::nullopt;
  }
  for (const std::string& what : recording->missing) {
    complain(clean(path) + " is damaged, missing: " + what);
  }
  return *std::move(recording);
}

std::optional<Recording> open_trace_recording(const std::string& path) {
  auto recording = open_recording(path);
  if (!recording || recording->trace) return recording;
  complain(clean(path) + ": no trace is left in it");
  return std::nullopt;
}

Exit explain_recording(Context& context, const std::string& path, const ExplainOutputs& outputs) {
  const auto recording = open_recording(path);
  if (!recording) return Exit::kNotPossible;
  const auto facts = RecordedFacts::read(recording->facts);
  if (!facts) {
    complain(clean(path) + ": it has nothing that an explanation could be made from");
    return Exit::kNotPossible;
  }
  if (facts->senseless() > 0) {
    complain(clean(path) + " is damaged, missing: " + std::to_string(facts->senseless()) +
             " facts that make no sense");
  }
  std::optional<RecordedTrace> trace;
  std::optional<TraceFacts> traced;
  if (recording->trace) {
    trace.emplace(*recording);
    traced.emplace(TraceFacts{trace->ledger(), recording->stacks, recording->trace->losses,
                              recording->trace->unnamed_stacks});
  }
  const ObservedBy& by = facts->by();
  const Explanation explanation = facts->explain(traced ? &*traced : nullptr);
  const bool more = outputs.everything || outputs.json;
  return write_explanation(context,
                           {.explanation = explanation,
                            .observed = facts->observation().span(),
                            .looks = facts->observation().times().size(),
                            .traced = by.traced,
                            .missing = more ? by.missing_more : by.missing,
                            .everything = outputs.everything},
                           outputs);
}

Exit report_recording(Context& context, const std::string& path, const TraceOutputs& outputs) {
  const auto recording = open_trace_recording(path);
  if (!recording) return Exit::kNotPossible;
  return write_trace(context, RecordedTrace(*recording).document(), outputs);
}

}  // namespace plumb::app
