// SPDX-License-Identifier: Apache-2.0
#include "detect/report/json_writer.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <limits>
#include <string>

namespace plumb::detect {
namespace {

using nlohmann::json;

// The text that a parser gets for these bytes.
std::string round_trip(std::string_view bytes) {
  JsonWriter writer;
  writer.begin("t", 1);
  writer.member("x", bytes);
  writer.end();
  return json::parse(writer.text()).at("x").get<std::string>();
}

TEST(JsonWriter, WritesOneObjectALine) {
  JsonWriter writer;
  writer.begin("descriptor", 3);
  writer.member("fd", 7);
  writer.member("open", true);
  writer.open_object("end");
  writer.open_list("holders");
  writer.open_element();
  writer.member("pid", std::int64_t{-1});
  writer.close_object();
  writer.element(std::string_view("x"));
  writer.element(std::numeric_limits<std::uint64_t>::max());
  writer.close_list();
  writer.member("total", 2u);
  writer.close_object();
  writer.open_list("none");
  writer.close_list();
  writer.member("last", std::string_view(""));
  writer.end();
  EXPECT_EQ(writer.text(),
            "{\"record\":\"descriptor\",\"schema\":3,\"fd\":7,\"open\":true,\"end\":{\"holders\":[{"
            "\"pid\":-1},\"x\",18446744073709551615],\"total\":2},\"none\":[],\"last\":\"\"}\n");
  EXPECT_TRUE(json::accept(writer.text()));
}

TEST(JsonWriter, WritesSecondsWithTheDigitsTheyNeed) {
  const auto seconds = [](std::int64_t ns) {
    JsonWriter writer;
    writer.begin("t", 1);
    writer.member("s", std::chrono::nanoseconds(ns));
    writer.end();
    const std::string text(writer.text());
    const auto at = text.find("\"s\":") + 4;
    return text.substr(at, text.find('}') - at);
  };
  EXPECT_EQ(seconds(0), "0");
  EXPECT_EQ(seconds(90'000'000'000), "90");
  EXPECT_EQ(seconds(250'000'000), "0.25");
  EXPECT_EQ(seconds(1), "0.000000001");
  EXPECT_EQ(seconds(-1'500'000'000), "-1.5");
}

TEST(JsonWriter, GivesTextBack) {
  for (const char* text : {"plain", "quo\"te", "back\\slash", "tab\tnew\nline", "übung 中文 😀",
                           "\x1b[0m", "\u202e", "\U000e0041", "\x7f"}) {
    EXPECT_EQ(round_trip(text), text);
  }
  EXPECT_EQ(round_trip(std::string_view("\0abstract", 9)), std::string("\0abstract", 9));
}

TEST(JsonWriter, EscapesBytesThatAreNoUtf8SoThatTheyCanBeHadBack) {
  EXPECT_EQ(round_trip("a\xff"
                       "b"),
            "a\\xffb");
  EXPECT_EQ(round_trip("\xed\xa0\x80"), "\\xed\\xa0\\x80");
  EXPECT_EQ(round_trip("a\\xffb"), "a\\x5cxffb") << "a name that looks like the escape is not one";
  EXPECT_EQ(round_trip("c:\\dir"), "c:\\dir");
}

TEST(JsonWriter, KeepsTerminalControlsOutOfItsText) {
  JsonWriter writer;
  writer.begin("t", 1);
  writer.member("x", std::string_view("\x1b]0;\x9b\u202e\u2028\n\x7f"));
  writer.end();
  for (const char c : writer.text().substr(0, writer.size() - 1)) {
    EXPECT_TRUE(c >= 0x20 && c < 0x7f) << static_cast<int>(c);
  }
}

TEST(JsonWriter, GrowsForLongTexts) {
  const std::string plain(300'000, 'x');
  EXPECT_EQ(round_trip(plain), plain);
  const std::string bad(300'000, '\xff');
  EXPECT_EQ(round_trip(bad).size(), 4 * bad.size());
}

}  // namespace
}  // namespace plumb::detect
