// SPDX-License-Identifier: Apache-2.0
// Comparing namespaces.
#include "detect/model/namespaces.h"

#include <algorithm>
#include <string_view>

namespace plumb::detect {

Namespaces home_namespaces(const Survey& survey) {
  const auto known = std::ranges::find_if(
      survey.processes, [](const Process& p) { return !(p.namespaces == Namespaces{}); });
  return known == survey.processes.end() ? Namespaces{} : known->namespaces;
}

std::string foreign_namespaces(const Namespaces& home, const Process& process) {
  std::string names;
  const auto compare = [&](std::string_view name, std::uint32_t ours, std::uint32_t its) {
    if (ours == 0 || its == 0 || ours == its) return;
    if (!names.empty()) names += ',';
    names += name;
  };
  compare("pid", home.pid, process.namespaces.pid);
  compare("mnt", home.mnt, process.namespaces.mnt);
  compare("net", home.net, process.namespaces.net);
  compare("user", home.user, process.namespaces.user);
  return names;
}

}  // namespace plumb::detect
