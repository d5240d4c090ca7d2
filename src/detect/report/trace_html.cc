// SPDX-License-Identifier: Apache-2.0
// A trace as one page: the page's source with the records put into it.
#include "detect/report/embedded_json.h"
#include "detect/report/pieces.h"
#include "detect/report/trace_document.h"
#include "trace_page.h"

namespace plumb::detect {

void write_trace_html(const TraceDocument& document, const Sink& sink) {
  const auto records = [&](const Sink& into) { write_trace_json(document, into); };
  sink(page_with(kTracePage, written(records)));
}

}  // namespace plumb::detect
