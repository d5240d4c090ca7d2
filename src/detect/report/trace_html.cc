// SPDX-License-Identifier: Apache-2.0
// A trace as one page: the page's source with the records put into it.
#include "detect/report/trace_document.h"
#include "trace_page.h"

namespace plumb::detect {
namespace {

// Within a script element only "</" and "<!--" mean something; JSON may write < as \u003c anywhere.
std::string embedded(std::string_view json) {
  std::string safe;
  safe.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

}  // namespace

void write_trace_html(const TraceDocument& document, const Sink& sink) {
  constexpr std::string_view kPlace = "PLUMB_DATA";
  const std::string_view page = kTracePage;
  const auto at = page.find(kPlace);
  std::string list = "[";
  write_trace_json(document, [&](std::string_view piece) {
    list += piece;
    return true;
  });
  // One object a line becomes one list.
  while (list.ends_with('\n')) list.pop_back();
  for (auto line = list.find('\n'); line != std::string::npos; line = list.find('\n', line + 1)) {
    list[line] = ',';
  }
  list += ']';
  sink(page.substr(0, at));
  sink(embedded(list));
  sink(page.substr(at + kPlace.size()));
}

}  // namespace plumb::detect
