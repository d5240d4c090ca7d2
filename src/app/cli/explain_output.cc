// SPDX-License-Identifier: Apache-2.0
// Writing explanations.
#include "app/cli/explain_output.h"

namespace plumb::app {

Exit write_explanation(Context& context, const detect::FindingDocument& document,
                       const ExplainOutputs& outputs) {
  if (outputs.json) {
    write_findings_json(document, context.out.sink());
  } else {
    write_findings_text(document, context.paper(), context.out.sink());
  }
  const auto page = [&](const detect::Sink& sink) { write_findings_html(document, sink); };
  if (!write_file(outputs.html, page)) return Exit::kNotPossible;
  return document.explanation.anything_wrong() ? Exit::kFindings : Exit::kOk;
}

}  // namespace plumb::app
