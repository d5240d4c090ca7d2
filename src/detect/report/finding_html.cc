// SPDX-License-Identifier: Apache-2.0
// Findings as one page: the page's source with the records put into it.
#include "detect/report/embedded_json.h"
#include "detect/report/finding_document.h"
#include "detect/report/pieces.h"
#include "explain_page.h"

namespace plumb::detect {

void write_findings_html(const FindingDocument& document, const Sink& sink) {
  const auto records = [&](const Sink& into) { write_findings_json(document, into); };
  sink(page_with(kExplainPage, written(records)));
}

}  // namespace plumb::detect
