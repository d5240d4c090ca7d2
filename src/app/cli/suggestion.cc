// SPDX-License-Identifier: Apache-2.0
// Names in a sentence.
#include "app/cli/suggestion.h"

#include "detect/report/terminal.h"

namespace plumb::app {

std::string did_you_mean(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text.append(text.empty() ? "; did you mean " : ", ").append(detect::clean(name));
  }
  return text;
}

}  // namespace plumb::app
