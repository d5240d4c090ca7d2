// SPDX-License-Identifier: Apache-2.0
// Values of options that are more than a text or a number: lists of names ("tcp,unix") and
// durations. What cannot be read is complained of, with what may have been meant.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detect/record/kind.h"
#include "plumb/base/text.h"

namespace plumb::app {

// Says that no WHAT is called so, and which of `all` are near.
void complain_of_name(std::string_view what, std::string_view name,
                      std::span<const std::string_view> all);

// Reads a list of names with commas between them; `find` gives what a name stands for, if anything.
// False where one stands for nothing: said.
template <typename Find, typename Value>
bool read_names(std::string_view list, std::string_view what, std::span<const std::string_view> all,
                Find find, std::vector<Value>& values) {
  while (!list.empty()) {
    const std::string_view name = trim(take_until(list, ','));
    const auto value = find(name);
    if (!value) {
      complain_of_name(what, name, all);
      return false;
    }
    values.push_back(*value);
  }
  return true;
}

// The names of all kinds: of descriptors, then of other resources.
std::vector<std::string_view> kind_names();
bool read_kinds(std::string_view list, std::vector<detect::Kind>& kinds);

// Nothing where the text is no duration: said.
std::optional<std::chrono::nanoseconds> read_duration(std::string_view option,
                                                      const std::string& text);
// The same for an option that may be left out, whose text is empty then. False: said.
bool read_duration(std::string_view option, const std::string& text,
                   std::optional<std::chrono::nanoseconds>& into);

}  // namespace plumb::app
