// SPDX-License-Identifier: Apache-2.0
// Reading lists of kinds.
#include "app/cli/names.h"

#include "app/cli/command.h"
#include "detect/model/nearest.h"
#include "detect/record/resource_kind.h"
#include "plumb/base/text.h"

namespace plumb::app {

std::vector<std::string_view> kind_names() {
  std::vector<std::string_view> names;
  for (const detect::Kind kind : detect::all_kinds()) names.push_back(detect::name_of(kind));
  for (const detect::ResourceKind& kind : detect::resource_kinds()) names.push_back(kind.name);
  return names;
}

bool read_kinds(std::string_view list, std::vector<detect::Kind>& kinds) {
  while (!list.empty()) {
    const std::string name(trim(take_until(list, ',')));
    auto kind = detect::kind_named(name);
    if (!kind) kind = detect::resource_named(name);
    if (kind) {
      kinds.push_back(*kind);
      continue;
    }
    detect::Nearest nearest(name, 3);
    for (const std::string_view known : kind_names()) nearest.offer(std::string(known));
    std::string message = "no kind is called " + detect::clean(name);
    std::string separator = "; did you mean ";
    for (const std::string& near : nearest.take()) {
      message.append(separator).append(near);
      separator = ", ";
    }
    complain(message);
    return false;
  }
  return true;
}

}  // namespace plumb::app
