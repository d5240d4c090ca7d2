// SPDX-License-Identifier: Apache-2.0
// Wrapping words.
#include "detect/report/wrap.h"

#include <algorithm>

#include "detect/report/terminal.h"

namespace plumb::detect {

std::string wrap(std::string_view text, std::string_view lead, std::string_view indent,
                 std::size_t width) {
  std::string out(lead);
  std::size_t used = cells(lead);
  const std::size_t margin = cells(indent);
  bool first = true;
  while (!text.empty()) {
    const auto blank = std::min(text.find(' '), text.size());
    // The first line's lead may leave less room than the margin of the others.
    const std::size_t room = width - std::min(width, first ? used : margin);
    const std::string word = cut_middle(text.substr(0, blank), room);
    text.remove_prefix(std::min(blank + 1, text.size()));
    if (!first && used + 1 + cells(word) > width) {
      out.append("\n").append(indent);
      used = margin;
      first = true;
    }
    if (!first) out += ' ';
    used += cells(word) + (first ? 0 : 1);
    out += word;
    first = false;
  }
  return out += '\n';
}

}  // namespace plumb::detect
