// SPDX-License-Identifier: Apache-2.0
// A check in its four shapes: text, records, JUnit XML and annotations.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "detect/report/check_document.h"
#include "detect/report/pieces.h"
#include "tests/support/checked_command.h"

namespace plumb::detect {
namespace {

class CheckReport : public testing::Test {
 protected:
  std::string text(const CheckDocument& document) const {
    return written([&](const Sink& sink) { write_check_text(document, Paper{}, sink); });
  }
  static std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> found(1);
    for (const char c : text) {
      if (c == '\n') {
        found.emplace_back();
      } else {
        found.back() += c;
      }
    }
    if (found.back().empty()) found.pop_back();
    return found;
  }
  static bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
  }

  CheckedCommand checked_;
};

TEST_F(CheckReport, TextTellsEachOriginWithItsStackAndWhatIsNone) {
  const std::string told = text(checked_.document());
  const auto all = lines(told);
  EXPECT_EQ(all.front(),
            "plumb check: 11 leaked from 6 origins by 12 processes of ctest --output-on-failure");
  EXPECT_TRUE(has(told, "6 file descriptors still open at the end of price_test, from "));
  EXPECT_TRUE(has(told, "fd 3  /srv/shop/prices/3.json"));
  EXPECT_TRUE(has(told, "… 2 more"));
  EXPECT_TRUE(has(told, "price.cc:18"));
  EXPECT_TRUE(has(told, "1 listener still open"));
  EXPECT_TRUE(has(told, "no stack: its maker's memory could not be read"));
  EXPECT_TRUE(has(told, "1 process left running: helper"));
  EXPECT_TRUE(has(told, "127.0.0.1:9090 listen"));
  EXPECT_TRUE(has(told, "1 zombie never waited for: asker"));
  EXPECT_TRUE(has(told, "1 temporary directory left by price_test: /tmp/work-1"));
  EXPECT_TRUE(has(told, "/tmp/work-1 and 1 within it"));
  EXPECT_TRUE(has(told, "(event loop)"));
  EXPECT_TRUE(has(told, "(.plumb-allow:2: function:vendor_* kind:file)"));
  EXPECT_TRUE(has(told, "plumb check: 3 stacks: their process ended first"));
  EXPECT_TRUE(has(told, "plumb check: reduced: "));
  EXPECT_FALSE(has(told, "\x1b"));
}

TEST_F(CheckReport, MemoryIsToldWithItsSizeAndAPairByItsName) {
  Leftover block;
  block.what = Leftover::What::kResource;
  block.kind = Kind::kHeap;
  block.pid = Pid{76};
  block.process = "price_test";
  block.name = "0x55d0c0de 40B";
  block.bytes = 40;
  block.no_stack = "there was no room for it";
  Leftover sampled = block;
  sampled.bytes = 8192;
  sampled.weight = 204;
  sampled.estimated = true;
  Leftover store = block;
  store.kind = Kind::kPair;
  store.kind_name = "sqlite.db";
  store.bytes = 0;
  const auto told = [&](const std::vector<Leftover>& left) {
    CheckedCommand own;
    own.verdict = judge_leftovers(left, own.allow, own.stacks);
    return std::pair(text(own.document()),
                     written([&](const Sink& sink) { write_check_json(own.document(), sink); }));
  };
  const auto [exact, exact_json] = told({block, block, store});
  EXPECT_TRUE(has(exact, "2 heap blocks (80B) never given back by price_test")) << exact;
  EXPECT_TRUE(has(exact, "price_test(76)  0x55d0c0de 40B")) << exact;
  EXPECT_TRUE(has(exact, "1 sqlite.db never given back by price_test")) << exact;
  EXPECT_TRUE(has(exact_json, "\"kind\":\"heap\",\"listener\":false,\"count\":2,\"bytes\":80"));
  EXPECT_TRUE(has(exact_json, "\"kind\":\"sqlite.db\""));
  const auto [estimate, estimate_json] = told({sampled});
  EXPECT_TRUE(has(estimate, "about 204 heap blocks (8KiB) never given back")) << estimate;
  EXPECT_TRUE(has(estimate_json, "\"weight\":204"));
}

TEST_F(CheckReport, TextOfACleanOneIsALine) {
  EXPECT_EQ(text(checked_.clean_document()), "plumb check: nothing leaked by 1 process of true\n");
}

TEST_F(CheckReport, JUnitHasACaseForEachOriginAndIsWellFormed) {
  const std::string xml =
      written([&](const Sink& sink) { write_check_junit(checked_.document(), sink); });
  EXPECT_TRUE(has(xml,
                  "<testsuites tests=\"6\" failures=\"6\" errors=\"0\" skipped=\"0\" "
                  "time=\"2.345\">"));
  EXPECT_TRUE(has(xml, "file=\"price.cc\" line=\"18\""));  // below the root /src/shop
  EXPECT_TRUE(has(xml, "file=\"/src/&lt;shop&gt; &amp; co/ask,now:1.cc\" line=\"5\""));
  EXPECT_TRUE(has(xml, "<failure type=\"listener\""));
  EXPECT_FALSE(has(xml, "\x1b"));
  std::size_t cases = 0;
  for (const std::string& line : lines(xml)) cases += has(line, "<testcase ") ? 1U : 0U;
  EXPECT_EQ(cases, 6U);
}

TEST_F(CheckReport, JUnitOfACleanOnePasses) {
  const std::string xml =
      written([&](const Sink& sink) { write_check_junit(checked_.clean_document(), sink); });
  EXPECT_TRUE(has(xml, "tests=\"1\" failures=\"0\""));
  EXPECT_FALSE(has(xml, "<failure"));
}

TEST_F(CheckReport, AnAnnotationIsALineWithItsFile) {
  const std::string told =
      written([&](const Sink& sink) { write_check_github(checked_.document(), sink); });
  const auto all = lines(told);
  ASSERT_EQ(all.size(), 6U);
  for (const std::string& line : all) EXPECT_TRUE(line.starts_with("::error ")) << line;
  EXPECT_TRUE(
      all[0].starts_with("::error file=price.cc,line=18,title=plumb check%3A file leaked::"
                         "6 file descriptors still open"))
      << all[0];
  EXPECT_TRUE(has(told, "file=/src/<shop> & co/ask%2Cnow%3A1.cc,line=5,"));
  EXPECT_TRUE(has(all[0], "%0A"));
}

TEST_F(CheckReport, RecordsTellLeaksThenExcusesThenTheWhole) {
  const std::string json =
      written([&](const Sink& sink) { write_check_json(checked_.document(), sink); });
  const auto all = lines(json);
  ASSERT_EQ(all.size(), 9U);
  EXPECT_TRUE(all[0].starts_with("{\"record\":\"leftover\",\"schema\":1,\"kind\":\"file\""));
  EXPECT_TRUE(has(all[6], "\"excuse\":"));
  EXPECT_TRUE(all[8].starts_with("{\"record\":\"check\",\"schema\":1,"));
  EXPECT_TRUE(has(all[8], "\"leaked\":11"));
  EXPECT_TRUE(has(all[8], "\"unused_patterns\":[\"name:/run/*\"]"));
}

}  // namespace
}  // namespace plumb::detect
