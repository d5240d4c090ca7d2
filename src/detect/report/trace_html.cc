// SPDX-License-Identifier: Apache-2.0
// A trace as one page: the page's source with the records put into it.
#include "detect/report/embedded_json.h"
#include "detect/report/trace_document.h"
#include "trace_page.h"

namespace plumb::detect {

void write_trace_html(const TraceDocument& document, const Sink& sink) {
  std::string lines;
  write_trace_json(document, [&](std::string_view piece) {
    lines += piece;
    return true;
  });
  sink(page_with(kTracePage, lines));
}

}  // namespace plumb::detect
