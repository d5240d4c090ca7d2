// SPDX-License-Identifier: Apache-2.0
// Reading lists of names and durations.
#include "app/cli/option_values.h"

#include <fmt/format.h>

#include "app/cli/command.h"
#include "app/cli/suggestion.h"
#include "detect/model/nearest.h"
#include "detect/record/resource_kind.h"
#include "plumb/base/human.h"

namespace plumb::app {

void complain_of_name(std::string_view what, std::string_view name,
                      std::span<const std::string_view> all) {
  detect::Nearest nearest(std::string(name), 3);
  for (const std::string_view known : all) nearest.offer(std::string(known));
  complain(
      fmt::format("no {} is called {}{}", what, detect::clean(name), did_you_mean(nearest.take())));
}

std::vector<std::string_view> kind_names() {
  std::vector<std::string_view> names;
  for (const detect::Kind kind : detect::all_kinds()) names.push_back(detect::name_of(kind));
  for (const detect::ResourceKind& kind : detect::resource_kinds()) names.push_back(kind.name);
  return names;
}

bool read_kinds(std::string_view list, std::vector<detect::Kind>& kinds) {
  const auto find = [](std::string_view name) {
    const auto kind = detect::kind_named(name);
    return kind ? kind : detect::resource_named(name);
  };
  return read_names(list, "kind", kind_names(), find, kinds);
}

std::optional<std::chrono::nanoseconds> read_duration(std::string_view option,
                                                      const std::string& text) {
  const auto duration = parse_duration(text);
  if (!duration) {
    complain(fmt::format("{} {}: no duration; write 30s, 10m or 2h", option, detect::clean(text)));
  }
  return duration;
}

bool read_duration(std::string_view option, const std::string& text,
                   std::optional<std::chrono::nanoseconds>& into) {
  if (text.empty()) return true;
  into = read_duration(option, text);
  return into.has_value();
}

}  // namespace plumb::app
