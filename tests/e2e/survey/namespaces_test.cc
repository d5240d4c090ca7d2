// SPDX-License-Identifier: Apache-2.0
// Processes in other pid, mount and network namespaces, as both sources see them: with both their
// numbers, their namespaces, their sockets, and paths as they are seen from outside.
#include "detect/model/namespaces.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "sources.h"
#include "support/factory_run.h"
#include "survey_text.h"

namespace plumb::detect {
namespace {

// A factory as process 1 of a pid namespace, with its own mounts and network; loopback is down
// there until it is told otherwise.
FactoryRun contained_factory() {
  return FactoryRun({}, {"unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--net",
                         "sh", "-c", "ip link set lo up && exec \"$@\"", "sh"});
}

// The factory itself: the child of the unshare that the test started.
const Process* inner_process(const Survey& survey, const FactoryRun& factory) {
  for (const auto& process : survey.processes) {
    if (process.parent == factory.pid()) return &process;
  }
  return nullptr;
}

void expect_contained(const Survey& survey, const FactoryRun& factory) {
  const Joined joined(survey);
  const auto* inner = inner_process(survey, factory);
  ASSERT_NE(inner, nullptr);
  EXPECT_EQ(inner->own_pid, Pid(1));
  EXPECT_EQ(foreign_namespaces(home_namespaces(survey), *inner), "pid,mnt,net");
  std::size_t tcp = 0;
  for (std::uint32_t i = 0; i < survey.descriptors.size(); ++i) {
    const DescriptorIndex d{i};
    const auto& row = joined.row(d);
    if (&joined.holder(d) != inner) continue;
    const auto* socket = survey.socket_of(row);
    if (row.kind != Kind::kTcp || socket->state != SocketState::kEstablished) continue;
    ++tcp;
    EXPECT_EQ(socket->net_namespace, inner->namespaces.net);
    const auto end = joined.ends.of(d);
    ASSERT_FALSE(end.holders.empty());
    EXPECT_EQ(&joined.holder(end.holders[0]), inner);
  }
  // two families: a client and its accepted end, and one in the queue
  EXPECT_EQ(tcp, 6u);
}

TEST(Namespaces, AreSeenFromOutsideByProc) {
  if (!may_use_bpf()) GTEST_SKIP() << "making namespaces needs root";
  const auto factory = contained_factory();
  expect_contained(survey_by(open_proc_survey("")), factory);
}

TEST(Namespaces, AreSeenFromOutsideByBpf) {
  if (!may_use_bpf()) GTEST_SKIP() << "making namespaces needs root";
  const auto factory = contained_factory();
  expect_contained(survey_by(open_bpf_survey()), factory);
}

TEST(Namespaces, TheSourcesAgreeOnEveryField) {
  if (!may_use_bpf()) GTEST_SKIP() << "making namespaces needs root";
  const auto factory = contained_factory();
  const auto before = survey_by(open_proc_survey(""));
  const auto* inner = inner_process(before, factory);
  ASSERT_NE(inner, nullptr);
  const Frozen frozen(inner->key.pid);
  expect_agreement({factory.pid(), inner->key.pid}, 60);
}

// `ip netns` names namespaces by mounting them; the survey needs no such name.
TEST(Namespaces, OneOfIpNetnsIsEnteredForItsSockets) {
  if (!may_use_bpf()) GTEST_SKIP() << "making namespaces needs root";
  const std::string name = "plumb-e2e-" + std::to_string(::getpid());
  ASSERT_EQ(std::system(("ip netns add " + name + " && ip -n " + name + " link set lo up").c_str()),
            0);
  {
    const FactoryRun factory({}, {"ip", "netns", "exec", name});
    const Frozen frozen(factory.pid());
    const auto survey = survey_by(open_proc_survey(""));
    EXPECT_TRUE(survey.blinds.empty() ||
                survey.blinds[0].what.find("network namespace") == std::string::npos);
    expect_agreement({factory.pid()}, 60);
  }
  EXPECT_EQ(std::system(("ip netns delete " + name).c_str()), 0);
}

}  // namespace
}  // namespace plumb::detect
