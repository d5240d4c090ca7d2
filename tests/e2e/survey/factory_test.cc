// SPDX-License-Identifier: Apache-2.0
// Every kind that the factory opens, as both sources see it: named right, with the right other end
// and the right sharing; and the two sources agree on every field.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "detect/model/joined.h"
#include "sources.h"
#include "support/factory_run.h"

namespace plumb::detect {
namespace {

// "7" of "1234/7", the descriptors of one process among others.
std::set<int> numbers_in(const Joined& joined, std::span<const DescriptorIndex> of, Pid pid) {
  std::set<int> numbers;
  for (const auto d : of) {
    if (joined.holder(d).key.pid == pid) numbers.insert(number(joined.row(d).fd));
  }
  return numbers;
}

void expect_all_known(const Survey& survey, const FactoryRun& factory) {
  const Joined joined(survey);
  std::map<int, DescriptorIndex> by_number;
  for (std::uint32_t i = 0; i < survey.descriptors.size(); ++i) {
    const DescriptorIndex d{i};
    if (joined.holder(d).key.pid == factory.pid()) by_number[number(joined.row(d).fd)] = d;
  }
  const auto rows = factory.rows();
  EXPECT_GT(rows.size(), 60u);
  for (const auto& row : rows) {
    const auto what = row.dump();
    const auto found = by_number.find(row["fd"].get<int>());
    if (found == by_number.end()) {
      ADD_FAILURE() << "not seen: " << what;
      continue;
    }
    const auto d = found->second;
    EXPECT_EQ(name_of(joined.row(d).kind), row["kind"].get<std::string>()) << what;
    EXPECT_EQ(joined.row(d).error, 0) << what;
    if (row.contains("end")) {
      const auto end = joined.ends.of(d);
      EXPECT_EQ(name_of(end.state), "held") << what;
      EXPECT_EQ(numbers_in(joined, end.holders, factory.pid()), std::set{row["end"].get<int>()})
          << what;
    }
    const auto sharers = numbers_in(joined, joined.sharing.holders_of(d), factory.pid());
    std::set<int> expected = {row["fd"].get<int>()};
    if (row.contains("shared")) expected.insert(row["shared"].get<int>());
    EXPECT_EQ(sharers, expected) << what;
    if (row["what"] == "in the queue") {
      EXPECT_EQ(joined.ends.of(d).state, EndState::kAcceptQueue) << what;
    }
  }
}

// What the kernel refuses even to root is printed; here nothing but a device that it lacks may be.
TEST(Factory, OpensEveryKind) {
  const FactoryRun factory({});
  for (const auto& line : factory.lines()) {
    if (!line.contains("errno")) continue;
    std::cout << "refused: " << line.dump() << "\n";
    EXPECT_EQ(line["kind"], "dmabuf") << "and that for want of /dev/udmabuf alone";
  }
}

TEST(Factory, EveryKindIsKnownToProc) {
  const FactoryRun factory({});
  expect_all_known(survey_by(open_proc_survey("")), factory);
}

TEST(Factory, EveryKindIsKnownToBpf) {
  if (!may_use_bpf()) GTEST_SKIP() << "BPF iterators need root";
  const FactoryRun factory({});
  expect_all_known(survey_by(open_bpf_survey()), factory);
}

TEST(Sources, AgreeOnEveryFieldOfAFrozenFactory) {
  if (!may_use_bpf()) GTEST_SKIP() << "BPF iterators need root";
  const FactoryRun factory({});
  const Frozen frozen(factory.pid());
  expect_agreement({factory.pid()}, 75);
}

TEST(Sources, AgreeOnAFrozenEditorWithItsChildren) {
  if (!may_use_bpf()) GTEST_SKIP() << "BPF iterators need root";
  const FactoryRun factory({"--editor", "200"});
  std::set<Pid> pids = {factory.pid()};
  for (const auto& row : factory.rows()) pids.insert(Pid(row["child"].get<int>()));
  const Frozen frozen(factory.pid());
  expect_agreement(pids, 200 * 5);  // a process, a thread and three descriptors each
}

TEST(Sources, AgreeOnHostileNames) {
  if (!may_use_bpf()) GTEST_SKIP() << "BPF iterators need root";
  const FactoryRun factory({"--hostile"});
  const Frozen frozen(factory.pid());
  expect_agreement({factory.pid()}, 30);
}

}  // namespace
}  // namespace plumb::detect
