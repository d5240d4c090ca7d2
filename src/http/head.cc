// SPDX-License-Identifier: Apache-2.0
// Looking up fields by name.
#include "plumb/http/head.h"

#include "plumb/http/field_text.h"

namespace plumb::http {

std::optional<std::string_view> Fields::find(std::string_view name) const {
  for (const Field field : *this) {
    if (same_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

}  // namespace plumb::http
