// SPDX-License-Identifier: Apache-2.0
// plumb diff: what grew between two recordings, or between two times in one, by origin.
#include <algorithm>
#include <memory>

#include "app/cli/commands.h"
#include "app/cli/option_values.h"
#include "app/cli/replay.h"
#include "detect/report/difference_document.h"
#include "plumb/base/human.h"

namespace plumb::app {
namespace {

using namespace detect;

struct Options {
  std::string before;
  std::string after;
  std::string from;
  std::string to;
  bool json = false;
};

// A moment and how it is called.
struct Side {
  TraceMoment moment;
  std::string name;
};

// The last sample up to then, else the first. Nothing where there is none: said.
std::optional<Side> side_at(const Recording& recording, std::chrono::nanoseconds after) {
  const TraceRecord& facts = recording.trace->facts;
  const Recording::Sample* found = nullptr;
  for (const auto& sample : recording.samples) {
    if (found == nullptr || sample.time - facts.began <= after) found = &sample;
  }
  if (found == nullptr) {
    complain("there are no counts over time in the recording");
    return std::nullopt;
  }
  return Side{moment_of(*recording.trace, recording.stacks, found->time, found->counts),
              human_duration(found->time - facts.began)};
}

Exit print(Context& context, const Options& options, const Side& before, const Side& after,
           SameTrace same) {
  const auto origins = differences(before.moment, after.moment, same);
  const DifferenceDocument document{.origins = origins, .before = before.name, .after = after.name};
  if (options.json) {
    write_difference_json(document, context.out.sink());
  } else {
    write_difference_text(document, context.paper(), context.out.sink());
  }
  return anything_grew(document) ? Exit::kFindings : Exit::kOk;
}

Exit compare_times(Context& context, const Options& options, const Recording& recording) {
  const auto from = read_duration("--from", options.from.empty() ? "0s" : options.from);
  if (!from) return Exit::kUsage;
  if (options.to.empty()) {
    const auto before = side_at(recording, *from);
    if (!before) return Exit::kNotPossible;
    const TraceRecord& facts = recording.trace->facts;
    return print(
        context, options, *before,
        {end_of(*recording.trace, recording.stacks), human_duration(facts.now - facts.began)},
        SameTrace::kYes);
  }
  const auto to = read_duration("--to", options.to);
  if (!to) return Exit::kUsage;
  if (*to < *from) {
    complain("--to " + clean(options.to) + " lies before --from " + clean(options.from));
    return Exit::kUsage;
  }
  const auto before = side_at(recording, *from);
  const auto after = side_at(recording, *to);
  if (!before || !after) return Exit::kNotPossible;
  return print(context, options, *before, *after, SameTrace::kYes);
}

Exit run(Context& context, const Options& options) {
  const bool times = !options.from.empty() || !options.to.empty();
  if (times && !options.after.empty()) {
    complain("--from and --to are times in one recording; leave out the second");
    return Exit::kUsage;
  }
  const auto before = open_trace_recording(options.before);
  if (!before) return Exit::kNotPossible;
  if (options.after.empty()) return compare_times(context, options, *before);
  const auto after = open_trace_recording(options.after);
  if (!after) return Exit::kNotPossible;
  return print(context, options, {end_of(*before->trace, before->stacks), options.before},
               {end_of(*after->trace, after->stacks), options.after}, SameTrace::kNo);
}

}  // namespace

Command add_diff(CLI::App& plumb) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = plumb.add_subcommand(
      "diff", "Compare two recordings, or two times in one: what grew, by origin");
  command->add_option("BEFORE", options->before, "A file that plumb record wrote")
      ->required()
      ->type_name("");
  command->add_option("AFTER", options->after, "Another one; without it two times are compared")
      ->type_name("");
  command->add_option("--from", options->from, "Since the beginning of BEFORE (0s)")
      ->type_name("DURATION");
  command->add_option("--to", options->to, "Since the beginning of BEFORE (its end)")
      ->type_name("DURATION");
  command->add_flag("--json", options->json, "One JSON object a line (docs/json.md)");
  command->footer(
      "\nExamples:\n"
      "  plumb diff monday.plumb friday.plumb       what there is more of on Friday\n"
      "  plumb diff run.plumb --from 30s --to 5m    what grew after the start\n");
  return {command, [options](Context& context) { return run(context, *options); }};
}

}  // namespace plumb::app
