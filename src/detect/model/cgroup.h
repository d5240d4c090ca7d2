// SPDX-License-Identifier: Apache-2.0
// What a control group's path says about a process: its systemd unit and its container.
#pragma once

#include <string_view>

namespace plumb::detect {

struct CgroupName {
  std::string_view unit;       // "nginx.service", "session-3.scope": the innermost
  std::string_view runtime;    // "docker", "podman", "containerd", "cri-o", "lxc", "nspawn"
  std::string_view container;  // an id of 64 hexadecimal digits, or the name where the runtime has
                               // names
};

// Pure; the views point into `path`, the path in the unified hierarchy. Empty views for what it
// does not say. Known layouts: docker and podman with either cgroup driver, Kubernetes with
// containerd or cri-o, LXC 2 and later, systemd-nspawn.
CgroupName read_cgroup(std::string_view path);

}  // namespace plumb::detect
