// SPDX-License-Identifier: Apache-2.0
#include "detect/model/tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/survey_builder.h"

namespace plumb::detect {
namespace {

std::vector<std::string> outline(const std::vector<TreeNode>& nodes) {
  std::vector<std::string> lines;
  for (const TreeNode& node : nodes) {
    std::string line(node.depth, ' ');
    if (node.members.size() > 1) line += std::to_string(node.members.size()) + " x ";
    lines.push_back(line + node.command);
  }
  return lines;
}

using testing::ElementsAre;

TEST(Tree, FoldsEqualChildrenAndKeepsOthersApart) {
  SurveyBuilder b;
  b.process(1, "init", 0, {"/sbin/init"});
  b.process(10, "nvim", 1, {"nvim", "notes"});
  for (int pid : {20, 21, 22}) b.process(pid, "curl", 10, {"curl", "http://localhost/beat"});
  b.process(23, "git", 10, {"git", "status"});
  EXPECT_THAT(
      outline(grow_tree(b.survey, select(b.survey, {}))),
      ElementsAre("init", " nvim notes", "  3 x curl http://localhost/beat", "  git status"));
}

TEST(Tree, FoldsCommandsThatDifferInNumbersOnly) {
  SurveyBuilder b;
  b.process(1, "init", 0, {"init"});
  b.process(10, "worker", 1, {"worker", "--id=7"});
  b.process(11, "worker", 1, {"worker", "--id=12"});
  EXPECT_THAT(outline(grow_tree(b.survey, select(b.survey, {}))),
              ElementsAre("init", " 2 x worker --id=#"));
}

TEST(Tree, FoldsWhatIsBelowFoldedOnes) {
  SurveyBuilder b;
  b.process(1, "init", 0, {"init"});
  b.process(10, "sh", 1, {"sh", "-c", "job"});
  b.process(11, "sh", 1, {"sh", "-c", "job"});
  b.process(12, "sh", 1, {"sh", "-c", "job"});
  b.process(20, "sleep", 10, {"sleep", "1"});
  b.process(21, "sleep", 11, {"sleep", "1"});
  EXPECT_THAT(outline(grow_tree(b.survey, select(b.survey, {}))),
              ElementsAre("init", " 2 x sh -c job", "  2 x sleep 1", " sh -c job"));
}

TEST(Tree, FoldsKernelThreads) {
  SurveyBuilder b;
  b.process(2, "kthreadd", 0);
  b.process(3, "ksoftirqd/0", 2);
  b.process(4, "kworker/0:0", 2);
  EXPECT_THAT(outline(grow_tree(b.survey, select(b.survey, {}))),
              ElementsAre("[kthreadd]", " 2 x kernel threads"));
}

TEST(Tree, OfASelectionStartsAtItsTopmostProcesses) {
  SurveyBuilder b;
  b.process(1, "init", 0, {"init"});
  b.process(10, "nvim", 1, {"nvim"});
  b.process(11, "curl", 10, {"curl"});
  b.process(12, "bash", 1, {"bash"});
  const Selection selection =
      select(b.survey, {parse_selector("nvim").value(), parse_selector("curl").value()});
  EXPECT_THAT(outline(grow_tree(b.survey, selection)), ElementsAre("nvim", " curl"));
}

TEST(Tree, OfADescriptorStartsAtItsHolders) {
  SurveyBuilder b;
  b.process(1, "init", 0, {"init"});
  b.process(10, "nvim", 1, {"nvim"});
  b.file(3, "/tmp/x");
  const Selection selection = select(b.survey, {parse_selector("/tmp/x").value()});
  EXPECT_THAT(outline(grow_tree(b.survey, selection)), ElementsAre("nvim"));
}

TEST(Tree, SurvivesParentsInARing) {
  SurveyBuilder b;
  b.process(10, "a", 11, {"a"});
  b.process(11, "b", 10, {"b"});
  EXPECT_THAT(outline(grow_tree(b.survey, select(b.survey, {}))), ElementsAre("a", " b"));
}

TEST(Tree, DeeperThanAnyStackIsNoRecursion) {
  SurveyBuilder b;
  for (int pid = 1; pid <= 50000; ++pid) b.process(pid, "sh", pid - 1, {"sh"});
  EXPECT_EQ(grow_tree(b.survey, select(b.survey, {})).back().depth, 49999u);
}

}  // namespace
}  // namespace plumb::detect
