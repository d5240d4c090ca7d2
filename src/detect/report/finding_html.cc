// SPDX-License-Identifier: Apache-2.0
// Findings as one page: the page's source with the records put into it.
#include "detect/report/embedded_json.h"
#include "detect/report/finding_document.h"
#include "explain_page.h"

namespace plumb::detect {

void write_findings_html(const FindingDocument& document, const Sink& sink) {
  std::string lines;
  write_findings_json(document, [&](std::string_view piece) {
    lines += piece;
    return true;
  });
  sink(page_with(kExplainPage, lines));
}

}  // namespace plumb::detect
