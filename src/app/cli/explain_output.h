// SPDX-License-Identifier: Apache-2.0
// The forms in which an explanation can be had, whether it was made now or from a recording.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

#include "app/cli/command.h"
#include "detect/report/finding_document.h"

namespace plumb::app {

struct ExplainOutputs {
  bool json = false;        // on stdout, instead of text
  std::string html;         // a file to write; empty: none
  bool everything = false;  // notes and whole stacks too
};

// Writes it. kFindings where something is worse than a note; kNotPossible for a page that cannot be
// written, which is said.
Exit write_explanation(Context& context, const detect::FindingDocument& document,
                       const ExplainOutputs& outputs);

}  // namespace plumb::app
