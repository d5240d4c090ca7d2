// SPDX-License-Identifier: Apache-2.0
#include "detect/model/cgroup.h"

#include <gtest/gtest.h>

#include <string>

namespace plumb::detect {
namespace {

const std::string kId(64, 'a');

TEST(Cgroup, NamesTheInnermostUnit) {
  EXPECT_EQ(read_cgroup("/system.slice/nginx.service").unit, "nginx.service");
  EXPECT_EQ(read_cgroup("/user.slice/user-1000.slice/user@1000.service/app.slice/app.service").unit,
            "app.service");
  EXPECT_EQ(read_cgroup("/user.slice/user-1000.slice/session-3.scope").unit, "session-3.scope");
  EXPECT_EQ(read_cgroup("/").unit, "");
  EXPECT_EQ(read_cgroup("").unit, "");
}

TEST(Cgroup, KnowsHowEachRuntimeWritesItsContainers) {
  const struct {
    std::string path;
    std::string_view runtime;
    std::string_view container;
  } cases[] = {
      {"/system.slice/docker-" + kId + ".scope", "docker", kId},
      {"/docker/" + kId, "docker", kId},
      {"/machine.slice/libpod-" + kId + ".scope/container", "podman", kId},
      {"/kubepods.slice/kubepods-burstable.slice/kubepods-pod1.slice/cri-containerd-" + kId +
           ".scope",
       "containerd", kId},
      {"/kubepods/besteffort/pod1/" + kId, "containerd", kId},
      {"/kubepods.slice/kubepods-pod1.slice/crio-" + kId + ".scope", "cri-o", kId},
      {"/lxc.payload.web/system.slice/nginx.service", "lxc", "web"},
      {"/lxc/web", "lxc", "web"},
      {"/machine.slice/systemd-nspawn@db.service/payload", "nspawn", "db"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(read_cgroup(c.path).runtime, c.runtime) << c.path;
    EXPECT_EQ(read_cgroup(c.path).container, c.container) << c.path;
  }
}

TEST(Cgroup, SeesNoContainerWhereTheIdIsNone) {
  EXPECT_EQ(read_cgroup("/system.slice/docker-proxy.scope").container, "");
  EXPECT_EQ(read_cgroup("/system.slice/docker.service").container, "");
  EXPECT_EQ(read_cgroup("/docker/buildx").container, "");
}

}  // namespace
}  // namespace plumb::detect
