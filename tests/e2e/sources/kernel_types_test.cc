// SPDX-License-Identifier: Apache-2.0
// The reduced types against libbpf's own search through all of them: the survey's programs must
// come out the same, instruction by instruction.
#include "detect/source/kernel_types.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <string>
#include <vector>

#include "detect/source/bpf_support.h"
#include "detect/source/bpf_types.h"
// The skeleton needs the types of the object's data.
// clang-format off
#include "detect/source/bpf/survey_abi.h"
#include <survey.skel.h>
// clang-format on

namespace plumb::detect {
namespace {

// As hexadecimal lines, without the numbers of the maps' descriptors, which differ between objects.
std::vector<std::string> instructions(bpf_object* object) {
  std::vector<std::string> lines;
  bpf_program* program = nullptr;
  while ((program = bpf_object__next_program(object, program)) != nullptr) {
    const bpf_insn* all = bpf_program__insns(program);
    for (std::size_t i = 0; i < bpf_program__insn_cnt(program); ++i) {
      const bool is_map = all[i].code == (BPF_LD | BPF_DW | BPF_IMM) && all[i].src_reg != 0;
      lines.push_back(fmt::format("{:x} {:x} {:x} {:x} {:x}", all[i].code, +all[i].dst_reg,
                                  +all[i].src_reg, all[i].off, is_map ? 0 : all[i].imm));
    }
  }
  return lines;
}

TEST(KernelTypes, RelocateAsAllTypesDo) {
  auto whole = open_skeleton<survey_bpf>("survey");
  ASSERT_TRUE(whole);
  const auto loaded = load_skeleton(**whole, "survey");
  if (!loaded) GTEST_SKIP() << loaded.error().message();
  BpfTypes types;
  auto reduced = open_skeleton_with_types<survey_bpf>("survey", types);
  ASSERT_TRUE(reduced);
  ASSERT_FALSE(types.empty());
  ASSERT_TRUE(load_skeleton(**reduced, "survey"));
  const auto expected = instructions((*whole)->obj);
  const auto got = instructions((*reduced)->obj);
  EXPECT_GT(expected.size(), 500u);
  ASSERT_EQ(expected.size(), got.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(expected[i], got[i]) << i;
}

TEST(KernelTypes, AreHandedOverAgainAndAgain) {
  for (int time = 0; time < 8; ++time) {
    BpfTypes types;
    auto object = open_skeleton_with_types<survey_bpf>("survey", types);
    ASSERT_TRUE(object);
    const auto loaded = load_skeleton(**object, "survey");
    if (!loaded && time == 0) GTEST_SKIP() << loaded.error().message();
    ASSERT_TRUE(loaded);
  }
}

}  // namespace
}  // namespace plumb::detect
