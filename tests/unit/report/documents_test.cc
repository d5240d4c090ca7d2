// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <sstream>

#include "detect/finding/glance.h"
#include "detect/report/list.h"
#include "detect/report/records.h"
#include "detect/report/summary.h"
#include "detect/report/tree_document.h"
#include "detect/report/utf8.h"
#include "tests/support/machine.h"

namespace plumb::detect {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

class Documents : public testing::Test {
 protected:
  Documents()
      : joined(machine.survey),
        everything(select(machine.survey, {})),
        tree(grow_tree(machine.survey, everything)),
        found(glance(joined, tree)),
        rows(list_rows(machine.survey, everything, {})) {}

  Sink collect() {
    return [this](std::string_view piece) {
      text.append(piece);
      return true;
    };
  }
  std::string list(std::size_t width) {
    text.clear();
    write_list(joined, rows, default_columns(width), {.colours = false, .width = width}, collect());
    return text;
  }
  std::vector<json> records() {
    std::vector<json> all;
    for (const std::string& line : lines_of(text)) all.push_back(json::parse(line));
    return all;
  }

  Machine machine;
  Joined joined;
  Selection everything;
  std::vector<TreeNode> tree;
  std::vector<Glance> found;
  std::vector<DescriptorIndex> rows;
  std::string text;
};

TEST_F(Documents, HaveOneLineADescriptorThatFitsThePaper) {
  for (const std::size_t width : {80u, 100u, 160u}) {
    const auto lines = lines_of(list(width));
    EXPECT_EQ(lines.size(), rows.size() + 1);
    for (const std::string& line : lines) EXPECT_LE(cells(line), width) << line;
  }
}

TEST_F(Documents, CutNothingWithoutAWidth) {
  EXPECT_THAT(list(0), HasSubstr(std::string(120, 'x')));
  EXPECT_THAT(text, testing::Not(HasSubstr("…  ")));
}

TEST_F(Documents, OfTreeAndSummaryFitThePaperToo) {
  for (const std::size_t width : {80u, 100u, 160u}) {
    text.clear();
    const Paper paper{.colours = false, .width = width};
    write_tree(joined, tree, paper, collect());
    write_summary({joined, tree, found}, paper, collect());
    write_counts(machine.survey, count_rows(machine.survey, rows), paper, collect());
    for (const std::string& line : lines_of(text)) EXPECT_LE(cells(line), width) << line;
  }
}

TEST_F(Documents, CarryNoByteThatCommandsATerminal) {
  list(0);
  write_tree(joined, tree, {}, collect());
  write_summary({joined, tree, found}, {}, collect());
  text += missing_text(machine.survey);
  for (const std::string& line : lines_of(text)) {
    std::string_view rest = line;
    while (!rest.empty()) {
      const CodePoint c = decode_utf8(rest);
      ASSERT_NE(c.length, 0u) << line;
      ASSERT_FALSE(is_unprintable(c.value)) << line;
      rest.remove_prefix(c.length);
    }
  }
}

TEST_F(Documents, StopWhenNobodyReads) {
  int pieces = 0;
  write_list_json(joined, rows, {}, [&](std::string_view) { return ++pieces < 1; });
  EXPECT_EQ(pieces, 1);
}

TEST_F(Documents, InJsonHaveARecordForEachProcessAndRowAndTheSurveyLast) {
  write_list_json(joined, rows, {}, collect());
  const auto all = records();
  std::size_t descriptors = 0;
  for (const json& record : all) {
    EXPECT_EQ(record.at("schema"), 1);
    descriptors += record.at("record") == "descriptor" ? 1 : 0;
  }
  EXPECT_EQ(descriptors, rows.size());
  EXPECT_EQ(all.front().at("record"), "process");
  EXPECT_EQ(all.back().at("record"), "survey");
  EXPECT_EQ(all.back().at("losses").at(0).at("count"), 2);
}

TEST_F(Documents, InJsonAreTheSameWithTwoThreads) {
  std::vector<DescriptorIndex> many;
  for (int times = 0; times < 200; ++times) many.insert(many.end(), rows.begin(), rows.end());
  write_list_json(joined, many, {}, collect());
  const auto lines = lines_of(text);
  JsonWriter writer;
  std::size_t at = 0;
  for (const DescriptorIndex row : many) {
    while (lines.at(at).starts_with("{\"record\":\"process\"")) ++at;
    writer.clear();
    DescriptorRecords(joined).write(writer, row);
    ASSERT_EQ(lines.at(at++) + "\n", writer.text());
  }
}

TEST_F(Documents, NameAProcessThatCouldNotBeRead) {
  const auto unreadable = unreadable_processes(machine.survey, everything, {});
  EXPECT_EQ(unreadable_text(machine.survey, unreadable),
            "unreadable: 7 descriptors of secret(9000): Permission denied\n");
  write_list_json(joined, rows, unreadable, collect());
  const auto all = records();
  const json& secret = all.at(all.size() - 2);
  EXPECT_EQ(secret.at("record"), "process");
  EXPECT_EQ(secret.at("pid"), 9000);
  EXPECT_EQ(secret.at("errno"), EACCES);
  EXPECT_TRUE(unreadable_processes(machine.survey, everything, {{Kind::kTcp}, {}, {}}).empty());
}

TEST_F(Documents, InJsonNameBothEndsOfAPair) {
  write_list_json(joined, rows, {}, collect());
  for (const json& record : records()) {
    if (record.at("record") != "descriptor" || record.at("process") != "nvim") continue;
    if (record.at("kind") != "unix") continue;
    const json& holder = record.at("end").at("holders").at(0);
    EXPECT_EQ(holder.at("process"), "curl");
    EXPECT_EQ(holder.at("pid"), 1000 + record.at("fd").get<int>() - 10);
    EXPECT_EQ(holder.at("fd"), 0);
  }
}

TEST_F(Documents, PrintNoAddressOfTheKernel) {
  write_list_json(joined, rows, {}, collect());
  list(0);
  EXPECT_THAT(text, testing::Not(HasSubstr("ffff88")));
  EXPECT_THAT(text, testing::Not(HasSubstr(std::to_string(0xffff888000000000))));
  EXPECT_THAT(text, testing::Not(HasSubstr("18446")));
}

TEST_F(Documents, FindEachThingThatIsWrong) {
  std::vector<std::string_view> ids;
  for (const Glance& one : found) ids.push_back(id_of(one.what));
  EXPECT_THAT(ids,
              testing::ElementsAre("table-nearly-full", "accept-queue-full", "children-pile-up",
                                   "zombies", "close-wait", "deleted-files"));
  const Summary summary{joined, tree, found};
  EXPECT_THAT(sentence_of(summary, found[0]),
              HasSubstr("nvim(812) holds 61 of its 66 descriptors"));
  EXPECT_THAT(sentence_of(summary, found[1]), HasSubstr("512 clients wait in a queue of 511"));
  EXPECT_THAT(sentence_of(summary, found[2]), HasSubstr("all wait in poll · tcp → tinyproxy(640)"));
  EXPECT_THAT(sentence_of(summary, found[5]), HasSubstr("3GiB of disk in 1 deleted file,"))
      << "held by two processes, and one file all the same";
}

TEST(Glance, IsSilentOnAPool) {
  SurveyBuilder b;
  b.process(1, "init", 0, {"init"});
  b.process(10, "apache2", 1, {"apache2"});
  for (int worker = 0; worker < 100; ++worker) {
    b.process(100 + worker, "apache2", 10, {"apache2"}).key.start = Ticks(2000 + worker);
    b.thread(SYS_accept4, 3);
  }
  const Joined joined(b.survey);
  EXPECT_TRUE(glance(joined, grow_tree(b.survey, select(b.survey, {}))).empty());
}

TEST_F(Documents, FilterByKindStateAndAge) {
  const auto count = [&](const ListFilter& filter) {
    return list_rows(machine.survey, everything, filter).size();
  };
  EXPECT_EQ(count({{Kind::kEpoll}, {}, {}}), 1u);
  EXPECT_EQ(count({{Kind::kEpoll, Kind::kPty}, {}, {}}), 3u);
  EXPECT_EQ(count({{}, {SocketState::kCloseWait}, {}}), 12u);
  EXPECT_EQ(count({{}, {}, std::chrono::minutes(10)}), std::size_t{Machine::kChildren});
  EXPECT_EQ(count({{}, {}, std::chrono::hours(10)}), 0u);
}

TEST_F(Documents, SortByNumberOrTextWithTheEmptyLast) {
  const auto first = [&](std::string_view column, Direction direction) {
    auto sorted = rows;
    sort_rows(sorted, joined, *column_named(column), direction);
    return sorted.front();
  };
  EXPECT_EQ(joined.row(first("held", Direction::kOwn)).disk_bytes, 3u << 30);
  EXPECT_EQ(joined.row(first("held", Direction::kReverse)).disk_bytes, 3u << 30);
  EXPECT_EQ(number(joined.row(first("fd", Direction::kOwn)).fd), 0);
  EXPECT_EQ(number(joined.row(first("fd", Direction::kReverse)).fd), 69);
}

TEST_F(Documents, EveryColumnHasAHelpAndCanBePrinted) {
  std::vector<const Column*> columns;
  for (const Column& column : all_columns()) {
    EXPECT_FALSE(column.help.empty());
    EXPECT_EQ(column_named(column.name), &column);
    columns.push_back(&column);
  }
  write_list(joined, rows, columns, {}, collect());
  EXPECT_EQ(lines_of(text).size(), rows.size() + 1);
}

TEST(KindsText, SumsUpWhatDoesNotFit) {
  KindCounts kinds{};
  kinds[static_cast<std::size_t>(Kind::kUnix)] = 990;
  kinds[static_cast<std::size_t>(Kind::kFile)] = 12;
  kinds[static_cast<std::size_t>(Kind::kPipe)] = 3;
  EXPECT_EQ(kinds_text(kinds, 0), "990 unix, 12 file, 3 pipe");
  EXPECT_EQ(kinds_text(kinds, 20), "990 unix, 15 others");
  EXPECT_EQ(kinds_text({}, 20), "");
}

}  // namespace
}  // namespace plumb::detect
