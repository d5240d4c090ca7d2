// SPDX-License-Identifier: Apache-2.0
// A check as workflow commands of GitHub Actions, which stand beside the line that they name
// (https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions).
#include <fmt/format.h>

#include <iterator>

#include "detect/report/check_document.h"
#include "detect/report/trace_stack_text.h"

namespace plumb::detect {
namespace {

// In a property a colon and a comma would end it.
std::string escaped(std::string_view text, bool property) {
  std::string out;
  for (const char c : text) {
    const bool special = c == '%' || c == '\r' || c == '\n' || (property && (c == ':' || c == ','));
    if (special) {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

void write_check_github(const CheckDocument& document, const Sink& sink) {
  std::string out;
  for (const LeakGroup& group : document.verdict.leaks) {
    std::string message = summary_of(document, group) + '\n';
    append_stack(message, Paper{}, document.stacks, group.first().stack, group.first().cut);
    while (message.ends_with('\n')) message.pop_back();
    out += "::error ";
    if (const Frame* frame = blamed_frame(document, group)) {
      fmt::format_to(std::back_inserter(out), "file={},line={},",
                     escaped(clean(relative_file(document, *frame)), true), *frame->line);
    }
    fmt::format_to(std::back_inserter(out), "title={}::{}\n",
                   escaped("plumb check: " + kind_in_words(group) + " leaked", true),
                   escaped(message, false));
  }
  sink(out);
}

}  // namespace plumb::detect
