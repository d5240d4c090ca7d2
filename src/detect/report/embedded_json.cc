// SPDX-License-Identifier: Apache-2.0
// Putting records into pages.
#include "detect/report/embedded_json.h"

namespace plumb::detect {

std::string page_with(std::string_view page, std::string_view lines) {
  constexpr std::string_view kPlace = "PLUMB_DATA";
  const auto at = page.find(kPlace);
  std::string whole(page.substr(0, at));
  while (lines.ends_with('\n')) lines.remove_suffix(1);
  whole += '[';
  for (const char c : lines) {
    if (c == '<') {
      whole += "\\u003c";
    } else {
      whole += c == '\n' ? ',' : c;
    }
  }
  whole += ']';
  return whole += page.substr(at + kPlace.size());
}

}  // namespace plumb::detect
