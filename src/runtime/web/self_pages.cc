// SPDX-License-Identifier: Apache-2.0
// Metrics and ledger as responses.
#include "plumb/web/self_pages.h"

#include <string>

#include "plumb/meter/exposition.h"

namespace plumb::runtime {

void show_metrics(Router& routes, const Registry& registry, std::string_view pattern) {
  routes.get(pattern, [&registry](const Request& request) {
    const auto format = exposition_for(request.field("Accept").value_or(""));
    Response response(200, std::string(content_type(format)), expose(registry.scrape(), format));
    response.set("Vary", "Accept");
    return response;
  });
}

void show_ledger(Router& routes, const Ledger& ledger, std::string_view pattern) {
  routes.get(pattern, [&ledger](const Request& request) {
    const auto format = request.query_value("format").value_or("text");
    if (format == "text") return Response::text(ledger_text(ledger.rows()));
    if (format == "json") {
      return Response(200, "application/x-ndjson", ledger_json(ledger.rows()));
    }
    if (format == "pprof") {
      return Response(200, "application/octet-stream", ledger_pprof(ledger.rows()));
    }
    return Response::text("format is text, json or pprof\n", 400);
  });
}

}  // namespace plumb::runtime
