// SPDX-License-Identifier: Apache-2.0
// The answer in at most five lines.
#include <gtest/gtest.h>

#include "detect/report/finding_document.h"

namespace plumb::detect {
namespace {

Finding finding(std::string summary, std::optional<std::uint32_t> cause = std::nullopt) {
  Finding one;
  one.summary = std::move(summary);
  one.subject = {.process = {Pid{7}, Ticks(1)}, .name = "editor"};
  if (cause) one.causes.push_back(FindingIndex{*cause});
  return one;
}

std::vector<std::string> answer(std::vector<Finding> findings, std::size_t width = 80) {
  const Explanation explanation{std::move(findings), {FindingIndex{0}}};
  return answer_of({.explanation = explanation, .missing = {}}, width);
}

void expect_fits(const std::vector<std::string>& lines, std::size_t width = 80) {
  EXPECT_LE(lines.size(), 5u);
  for (const std::string& line : lines) EXPECT_LE(cells(line), width) << line;
}

TEST(Answer, IsTheWholeChainWhereItFits) {
  auto last = finding("clash(812) answers without a length");
  last.whose_move = "clash(812)";
  last.remedy = "say the length";
  EXPECT_EQ(
      answer({finding("nvim(9) leaks unix descriptors", 1), finding("curl never ends", 2), last}),
      (std::vector<std::string>{"nvim(9) leaks unix descriptors", "  because curl never ends",
                                "  because clash(812) answers without a length",
                                "  whose move: clash(812). say the length"}));
}

TEST(Answer, GivesUpClausesBeforeWordsAndNothingInTheMiddle) {
  auto last = finding(
      "proxy(812) answers without a length and keeps the connections open: 7 of 7 answers have no "
      "end");
  last.whose_move = "proxy(812)";
  last.remedy =
      "upstream had sent content-length: 57, content-encoding: gzip; proxy(812) dropped it and "
      "must "
      "say the length of what it sends, or send chunks, or close";
  const auto lines = answer(
      {finding("editor(7) leaks unix descriptors: 34 open of 64, +1.4/s, full in 21s", 1),
       finding(
           "each of the 30 children \"beat http://service.example/Heartbeat 45371\" of editor(7) "
           "never ends; another one every 700ms",
           2),
       last});
  expect_fits(lines);
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  EXPECT_NE(all.find("never ends"), std::string::npos) << all;
  EXPECT_NE(all.find("keeps the connections"), std::string::npos) << all;
  EXPECT_NE(all.find("upstream had sent content-length: 57"), std::string::npos) << all;
  EXPECT_NE(all.find("\"beat …/Heartbeat 45371\""), std::string::npos) << all;
  EXPECT_EQ(all.find(" …\n"), std::string::npos) << all;
}

TEST(Answer, OfALongChainTheBeginningAndTheEndAreTold) {
  const auto lines = answer({finding("first", 1), finding("second", 2), finding("third", 3),
                             finding("fourth", 4), finding("fifth", 5), finding("sixth")});
  EXPECT_EQ(lines, (std::vector<std::string>{"first", "  because second", "  because fifth",
                                             "  because sixth"}));
}

TEST(Answer, EndlessWordsAreHeldToFiveLines) {
  std::string words;
  for (int word = 0; word < 200; ++word) words += "word" + std::to_string(word) + " ";
  auto second = finding(words);
  second.whose_move = "somebody";
  second.remedy = words;
  for (const std::size_t width : {40u, 80u, 120u}) {
    const auto lines = answer({finding(words, 1), second}, width);
    expect_fits(lines, width);
    EXPECT_EQ(lines.size(), 5u);
  }
  expect_fits(answer({finding(std::string(5000, 'x'), 1), finding(std::string(5000, 'y'))}));
}

TEST(Answer, IsNothingWhereNothingIsWrong) {
  auto note = finding("a note");
  note.severity = Severity::kInfo;
  EXPECT_TRUE(answer({note}).empty());
}

}  // namespace
}  // namespace plumb::detect
