// SPDX-License-Identifier: Apache-2.0
// A trace as folded stacks: "main;serve;accept4 12".
#include <algorithm>

#include "detect/report/trace_document.h"

namespace plumb::detect {
namespace {

// Separators within a name would break the format.
void append_function(std::string& out, const Frame& frame) {
  std::string name = function_of(frame);
  if (frame.function.empty()) name = place_of(frame);
  std::ranges::replace(name, ';', ':');
  std::ranges::replace(name, '\n', ' ');
  out += name.empty() ? "?" : name;
}

}  // namespace

void write_trace_folded(const TraceDocument& document, const Sink& sink) {
  std::string out;
  for (const Site* site : held_sites(document)) {
    if (site->special != OriginId::kFirst) {
      out += '[';
      out += reason_without_stack(site->special);
      out += "];";
    } else {
      const auto frames = document.stacks.frames(site->stack);
      for (auto id = frames.rbegin(); id != frames.rend(); ++id) {
        append_function(out, document.stacks.frame(*id));
        out += ';';
      }
    }
    out += kind_text(document, site->kind);
    out += ' ';
    out += std::to_string(held(*site));
    out += '\n';
  }
  sink(out);
}

}  // namespace plumb::detect
