// SPDX-License-Identifier: Apache-2.0
// What of libbpf's log reaches an error.
#include "detect/source/bpf_support.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

namespace plumb::detect {
namespace {

TEST(BpfLog, TakesTheFirstWarning) {
  BpfLog log;
  log.append("libbpf: kernel BTF is missing at '/sys/kernel/btf/vmlinux'\n");
  log.append("libbpf: failed to load object 'survey'\n");
  EXPECT_EQ(log.cause(), "kernel BTF is missing at '/sys/kernel/btf/vmlinux'");
}

TEST(BpfLog, TakesTheVerifiersLastWord) {
  BpfLog log;
  log.append("libbpf: prog 'task': BPF program load failed: Permission denied\n");
  log.append(
      "libbpf: prog 'task': -- BEGIN PROG LOAD LOG --\n0: R1=ctx() R10=fp0\n"
      "invalid bpf_context access off=32 size=8\nprocessed 1 insns\n-- END PROG LOAD LOG --\n");
  EXPECT_EQ(log.cause(), "invalid bpf_context access off=32 size=8");
}

TEST(BpfLog, KeepsABoundedTail) {
  BpfLog log;
  for (int i = 0; i < 10'000; ++i) log.append("libbpf: again\n");
  EXPECT_LE(log.cause().size(), 8192u);
}

TEST(BpfFailure, GivesAdviceForWhatPeopleMeet) {
  BpfLog log;
  const Error denied = bpf_failure("load BPF object", "survey", EPERM, log);
  EXPECT_EQ(denied.object, "survey");
  EXPECT_NE(denied.advice.find("root"), std::string::npos);
  log.append("libbpf: no such type\n");
  const Error old = bpf_failure("load BPF object", "survey", EINVAL, log);
  EXPECT_EQ(old.object, "survey [no such type]");
  EXPECT_NE(old.advice.find("5.15"), std::string::npos);
}

}  // namespace
}  // namespace plumb::detect
