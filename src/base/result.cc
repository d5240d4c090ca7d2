// SPDX-License-Identifier: Apache-2.0
// How an Error reads in one line.
#include "plumb/base/result.h"

#include <system_error>

namespace plumb {

std::string Error::message() const {
  std::string text = operation;
  if (!object.empty()) text.append(" ").append(object);
  if (code != 0) text.append(": ").append(std::generic_category().message(code));
  if (!advice.empty()) text.append(" (").append(advice).append(")");
  return text;
}

}  // namespace plumb
