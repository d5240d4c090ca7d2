// SPDX-License-Identifier: Apache-2.0
// Reading control group paths.
#include "detect/model/cgroup.h"

#include <algorithm>
#include <array>

#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

// A component of the form PREFIX id SUFFIX, as each runtime writes it.
struct Pattern {
  std::string_view prefix;
  std::string_view suffix;
  std::string_view runtime;
  bool hex;  // an id of 64 digits; a name otherwise
};
constexpr std::array kPatterns = {
    Pattern{"docker-", ".scope", "docker", true},
    Pattern{"libpod-", ".scope", "podman", true},
    Pattern{"libpod-", "", "podman", true},
    Pattern{"cri-containerd-", ".scope", "containerd", true},
    Pattern{"nerdctl-", ".scope", "containerd", true},
    Pattern{"crio-", ".scope", "cri-o", true},
    Pattern{"crio-", "", "cri-o", true},
    Pattern{"lxc.payload.", "", "lxc", false},
    Pattern{"systemd-nspawn@", ".service", "nspawn", false},
};

bool is_id(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// A bare id below a folder that is named after the runtime: "/docker/<id>", "/lxc/web".
std::string_view runtime_of_folder(std::string_view folder, std::string_view path) {
  if (folder == "docker" || folder == "lxc") return folder;
  if (path.find("kubepods") != std::string_view::npos) return "containerd";
  return {};
}

bool is_unit(std::string_view component) {
  static constexpr std::array kSuffixes = {".service", ".scope", ".socket", ".mount", ".swap"};
  return std::ranges::any_of(kSuffixes,
                             [&](std::string_view suffix) { return component.ends_with(suffix); });
}

}  // namespace

CgroupName read_cgroup(std::string_view path) {
  CgroupName name;
  std::string_view rest = path;
  std::string_view folder;
  while (!rest.empty()) {
    const std::string_view component = take_until(rest, '/');
    if (is_unit(component)) name.unit = component;
    for (const Pattern& pattern : kPatterns) {
      if (!component.starts_with(pattern.prefix) || !component.ends_with(pattern.suffix)) continue;
      if (component.size() <= pattern.prefix.size() + pattern.suffix.size()) continue;
      const auto id = component.substr(
          pattern.prefix.size(), component.size() - pattern.prefix.size() - pattern.suffix.size());
      if (pattern.hex && !is_id(id)) continue;
      name.runtime = pattern.runtime;
      name.container = id;
      break;
    }
    const std::string_view runtime = runtime_of_folder(folder, path);
    if (name.container.empty() && !runtime.empty() && (is_id(component) || folder == "lxc")) {
      name.runtime = runtime;
      name.container = component;
    }
    folder = component;
  }
  return name;
}

}  // namespace plumb::detect
