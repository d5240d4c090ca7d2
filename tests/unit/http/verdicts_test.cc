// SPDX-License-Identifier: Apache-2.0
// docs/http-verdicts.md says what the parsers do, for every row and at every split of its bytes.
#include <gtest/gtest.h>

#include <set>

#include "plumb/base/text.h"
#include "support/http_events.h"
#include "support/verdict_table.h"

namespace plumb::http {
namespace {

using test::VerdictRow;

// "accepts: length=5", or the fault's name, from an event log.
std::string verdict_of(const std::string& log) {
  const std::size_t fault = log.rfind("fault ");
  if (fault != std::string::npos) return log.substr(fault + 6, log.size() - fault - 7);
  const std::string head = log.substr(0, log.find('\n'));
  const std::size_t persistence = head.rfind(' ');
  const std::size_t framing = head.rfind(' ', persistence - 1);
  return "accepts: " + head.substr(framing + 1, persistence - framing - 1);
}

std::vector<VerdictRow> rows() {
  const auto text = read_file(PLUMB_DOCS_DIR "/http-verdicts.md", 1 << 20);
  EXPECT_TRUE(text.ok());
  return text.ok() ? test::read_verdicts(*text) : std::vector<VerdictRow>();
}

TEST(Verdicts, AreWhatTheParsersDo) {
  std::set<std::string> seen;
  for (const VerdictRow& row : rows()) {
    EXPECT_TRUE(seen.insert(row.id).second) << row.id << " stands twice";
    const std::string log = row.is_response()
                                ? test::run_all_cuts<ResponseParser>(row.bytes, {.requests = 1})
                                : test::run_all_cuts<RequestParser>(row.bytes);
    ASSERT_FALSE(log.starts_with("NOT THE SAME")) << row.id << "\n" << log;
    EXPECT_EQ(verdict_of(log), row.verdict) << row.id;
  }
  EXPECT_GE(seen.size(), 90u);
}

// Faults of limits, of truncation and of the observer have no row: no input by itself shows them.
TEST(Verdicts, NameEveryFaultThatBytesAloneCanShow) {
  std::set<std::string> shown;
  for (const VerdictRow& row : rows()) shown.insert(row.verdict);
  for (const FaultText& fault : all_faults()) {
    const bool elsewhere =
        (fault.fault >= Fault::kStartLineTooLong && fault.fault <= Fault::kTruncatedBody) ||
        fault.fault >= Fault::kGapInHead || fault.fault == Fault::kUnframedResponse;
    EXPECT_NE(shown.contains(std::string(fault.name)), elsewhere) << fault.name;
  }
}

TEST(Faults, EachSaysWhatItIsAndWhatToDo) {
  std::set<std::string_view> names;
  for (const FaultText& fault : all_faults()) {
    EXPECT_TRUE(names.insert(fault.name).second) << fault.name;
    EXPECT_TRUE(fault.meaning.ends_with('.')) << fault.name;
    EXPECT_TRUE(fault.advice.ends_with('.')) << fault.name;
    EXPECT_TRUE(fault.status == 0 || (fault.status >= 400 && fault.status < 600)) << fault.name;
    EXPECT_EQ(fault_named(fault.name), fault.fault);
  }
  EXPECT_EQ(fault_named("no-such-fault"), std::nullopt);
}

}  // namespace
}  // namespace plumb::http
