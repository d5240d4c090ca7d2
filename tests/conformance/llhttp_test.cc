// SPDX-License-Identifier: Apache-2.0
// The cases of the llhttp project against our parsers: verdict, content and number of messages of
// every strict case agree with llhttp, but for the differences that llhttp_differences.txt lists
// with their reasons; what llhttp takes only with a lenient flag is refused. Every case runs at
// every split.
#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>
#include <map>
#include <regex>
#include <set>

#include "llhttp_cases.h"
#include "plumb/base/text.h"
#include "support/http_events.h"

namespace plumb::test {
namespace {

// The same summary that a case holds, of what a parser of ours says.
struct Said {
  std::string fault;
  bool held = false;
  int messages = 0;
  std::string content;

  template <typename Head>
  void head(const Head&) {}
  void body(std::string_view piece) { content += piece; }
  void end(http::Fields) { ++messages; }
  void word(std::string_view word) {
    if (word == "held")
      held = true;
    else
      fault = std::string(word.substr(word.find(' ') + 1));
  }
  Said take() { return std::move(*this); }

  std::string text() const {
    if (!fault.empty()) return fault;
    return (held ? "held, " : "accepted, ") + std::to_string(messages) + " messages";
  }
};

Feed feed_of(const LlhttpCase& c) {
  Feed feed;
  feed.closes = c.finish >= 0;
  feed.answers = {c.skips_body ? http::Method::kHead : http::Method::kGet, true};
  return feed;
}

Said say(const LlhttpCase& c, std::string_view input) {
  return c.is_request() ? run<http::RequestParser, Said>(input, {}, feed_of(c))
                        : run<http::ResponseParser, Said>(input, {}, feed_of(c));
}

// llhttp leaves Host to its caller (RFC 9112 section 3.2 asks for 400 without it): such a case is
// first seen to be refused for that, and then judged with a Host line behind each request line.
std::string with_host(const std::string& input) {
  static const std::regex line("([A-Z-]+ [^ \r\n]+ HTTP/1\\.1\r\n)");
  return std::regex_replace(input, line, "$1Host: a\r\n");
}

// What differs; empty where llhttp and we agree.
std::string difference(const LlhttpCase& c) {
  Said said = say(c, c.input);
  if (said.fault == "missing-host") said = say(c, with_host(c.input));
  const bool refused = !said.fault.empty();
  if (c.is_lenient()) return refused ? "" : said.text();
  const bool expected_fault = !c.error.empty() || c.finish == 2;
  if (refused != expected_fault || (!refused && said.held != c.held)) return said.text();
  if (said.content != c.content) return said.text() + ", other content";
  // llhttp counts a message that a bad end of the connection cuts, and one that precedes its error.
  if (!refused && !c.held && c.finish < 0 && said.messages != c.messages) return said.text();
  return "";
}

// "id | verdict | reason" a line; '#' begins a comment.
std::map<std::string, std::string> listed_differences() {
  const auto text = read_file(PLUMB_CONFORMANCE_DIR "/llhttp_differences.txt", 1 << 20);
  if (!text) throw std::runtime_error(text.error().message());
  std::map<std::string, std::string> listed;
  std::string_view rest = *text;
  while (!rest.empty()) {
    auto line = take_until(rest, '\n');
    if (line.empty() || line.starts_with('#')) continue;
    const auto id = trim(take_until(line, '|'));
    const auto verdict = trim(take_until(line, '|'));
    EXPECT_NE(line.find("RFC"), std::string_view::npos) << id << ": the reason names no RFC";
    EXPECT_TRUE(listed.emplace(id, verdict).second) << id << " stands twice";
  }
  return listed;
}

TEST(Llhttp, StrictCasesAgreeAtEverySplit) {
  const std::filesystem::path folder = PLUMB_CONFORMANCE_DATA "/llhttp";
  if (!std::filesystem::is_directory(folder)) {
    GTEST_SKIP() << "the cases of llhttp are not here: " << folder
                 << " (set PLUMB_CONFORMANCE_DATA to the folder that has llhttp/)";
  }
  auto listed = listed_differences();
  int strict = 0, lenient = 0, differing = 0;
  for (const std::string side : {"request", "response"}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder / side)) {
      const auto text = read_file(entry.path(), 1 << 22);
      ASSERT_TRUE(text.ok()) << text.error().message();
      for (const LlhttpCase& c :
           read_llhttp_cases(side + "/" + entry.path().filename().string(), *text)) {
        const std::string cuts = c.is_request()
                                     ? run_all_cuts<http::RequestParser>(c.input, feed_of(c))
                                     : run_all_cuts<http::ResponseParser>(c.input, feed_of(c));
        EXPECT_FALSE(cuts.starts_with("NOT THE SAME")) << c.id << "\n" << cuts;
        ++(c.is_lenient() ? lenient : strict);
        const std::string found = difference(c);
        if (found.empty()) continue;
        ++differing;
        const auto expected = listed.find(c.id);
        if (expected == listed.end()) {
          ADD_FAILURE() << "not listed: " << c.id << " | " << found
                        << " | llhttp: " << (c.error.empty() ? "accepts" : c.error);
        } else {
          EXPECT_EQ(expected->second, found) << c.id;
          listed.erase(expected);
        }
      }
    }
  }
  for (const auto& [id, verdict] : listed) ADD_FAILURE() << "listed, but agrees or is gone: " << id;
  EXPECT_GT(strict, 200);
  std::cout << strict << " strict and " << lenient << " lenient cases, " << differing
            << " listed differences\n";
}

}  // namespace
}  // namespace plumb::test
