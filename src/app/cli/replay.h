// SPDX-License-Identifier: Apache-2.0
// From a recording to its report: the same models and writers as of a live run, on the facts of the
// file.
#pragma once

#include <optional>
#include <string>

#include "app/cli/command.h"
#include "app/cli/explain_output.h"
#include "app/cli/trace_outputs.h"
#include "detect/record/recording.h"

namespace plumb::app {

// Reads a recording; says on stderr why it cannot be read, or what it lacks.
std::optional<detect::Recording> open_recording(const std::string& path);
// The same for one whose trace is wanted.
std::optional<detect::Recording> open_trace_recording(const std::string& path);

// The report of a recorded trace; kNotPossible for a file that cannot be read.
Exit report_recording(Context& context, const std::string& path, const TraceOutputs& outputs);

// The explanation from a recording's facts; kNotPossible for a file that cannot be read or that has
// none of them.
Exit explain_recording(Context& context, const std::string& path, const ExplainOutputs& outputs);

}  // namespace plumb::app
