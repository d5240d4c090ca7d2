// SPDX-License-Identifier: Apache-2.0
// Joining settings.
#include "detect/source/child_environment.h"

#include <unistd.h>

#include <algorithm>
#include <string_view>

namespace plumb::detect {

std::vector<char*> with_settings(const std::vector<std::string>& settings) {
  std::vector<char*> all;
  for (char** one = environ; *one != nullptr; ++one) {
    const std::string_view setting = *one;
    const std::string_view name = setting.substr(0, setting.find('='));
    const bool replaced = std::ranges::any_of(settings, [&](const std::string& other) {
      return other.size() > name.size() && other.starts_with(name) && other[name.size()] == '=';
    });
    if (!replaced) all.push_back(*one);
  }
  for (const std::string& setting : settings) all.push_back(const_cast<char*>(setting.c_str()));
  all.push_back(nullptr);
  return all;
}

}  // namespace plumb::detect
