// SPDX-License-Identifier: Apache-2.0
// Writing a trace's report in the forms that were asked for.
#include "app/cli/trace_outputs.h"

namespace plumb::app {
namespace {

using namespace detect;

bool write_form(const std::string& path, const TraceDocument& document,
                void (*write)(const TraceDocument&, const Sink&)) {
  return write_file(path, [&](const Sink& sink) { write(document, sink); });
}

}  // namespace

void add_trace_outputs(CLI::App& command, TraceOutputs& outputs) {
  command.add_flag("--json", outputs.json, "One JSON object a line (docs/json.md)");
  command.add_option("--pprof", outputs.pprof, "Write a profile for go tool pprof")
      ->type_name("FILE");
  command.add_option("--folded", outputs.folded, "Write folded stacks for flame graphs")
      ->type_name("FILE");
  command.add_option("--html", outputs.html, "Write one page with a flame graph and a table")
      ->type_name("FILE");
}

Exit write_trace(Context& context, const TraceDocument& document, const TraceOutputs& outputs) {
  if (outputs.json) {
    write_trace_json(document, context.out.sink());
  } else {
    write_trace_text(document, context.paper(), context.out.sink());
  }
  const bool written = write_form(outputs.pprof, document, write_trace_pprof) &&
                       write_form(outputs.folded, document, write_trace_folded) &&
                       write_form(outputs.html, document, write_trace_html);
  if (!written) return Exit::kNotPossible;
  return anything_wrong(document) ? Exit::kFindings : Exit::kOk;
}

}  // namespace plumb::app
