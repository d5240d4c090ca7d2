// SPDX-License-Identifier: Apache-2.0
#include "detect/report/terminal.h"

#include <gtest/gtest.h>

#include "detect/report/utf8.h"

namespace plumb::detect {
namespace {

TEST(Clean, LeavesPrintableTextAlone) {
  EXPECT_EQ(clean("/var/log/übung 中文 😀.log"), "/var/log/übung 中文 😀.log");
  EXPECT_EQ(clean(""), "");
}

TEST(Clean, IsOneLineThatCommandsNoTerminal) {
  EXPECT_EQ(clean("a\nb\rc\td"), "a\\nb\\rc\\td");
  EXPECT_EQ(clean("\x1b[31mred\x07"), "\\e[31mred\\x07");
  EXPECT_EQ(clean(std::string_view("nul\0byte", 8)), "nul\\x00byte");
  EXPECT_EQ(clean("del\x7f"), "del\\x7f");
  EXPECT_EQ(clean("\xc2\x9b"
                  "31m"),
            "\\u{009b}31m")
      << "the one-byte form of ESC [";
}

TEST(Clean, ShowsWhatWouldHideOrTurnTheText) {
  EXPECT_EQ(clean("\u202egpj.exe"), "\\u{202e}gpj.exe");
  EXPECT_EQ(clean("\u2066x\u2069"), "\\u{2066}x\\u{2069}");
  EXPECT_EQ(clean("a\u200bb\ufeff"), "a\\u{200b}b\\u{feff}");
  EXPECT_EQ(clean("line\u2028separator"), "line\\u{2028}separator");
  EXPECT_EQ(clean("\U000e0041"), "\\u{e0041}");
}

TEST(Clean, ShowsBytesThatAreNoUtf8) {
  EXPECT_EQ(clean("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(clean("\xc0\xaf"), "\\xc0\\xaf") << "overlong";
  EXPECT_EQ(clean("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "a surrogate";
  EXPECT_EQ(clean("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "above U+10FFFF";
  EXPECT_EQ(clean("cut \xe4\xb8"), "cut \\xe4\\xb8");
}

TEST(Cells, CountWhatATerminalShows) {
  EXPECT_EQ(cells("plain"), 5u);
  EXPECT_EQ(cells("中文"), 4u);
  EXPECT_EQ(cells("e\u0301"), 1u);
  EXPECT_EQ(cells("→ x"), 3u);
}

TEST(CutMiddle, KeepsBothEnds) {
  EXPECT_EQ(cut_middle("/usr/share/doc/file", 11), "/usr/…/file");
  EXPECT_EQ(cut_middle("short", 5), "short");
  EXPECT_EQ(cut_middle("abc", 1), "…");
  EXPECT_EQ(cut_middle("abc", 0), "");
}

TEST(CutMiddle, NeverTakesMoreThanItMay) {
  const std::string text = "中文 übung e\u0301😀 some/path/中文中文中文/end";
  for (std::size_t width = 0; width <= cells(text) + 1; ++width) {
    EXPECT_LE(cells(cut_middle(text, width)), width) << width;
  }
}

TEST(Paper, PaintsOnlyWhereColoursAreSeen) {
  std::string out;
  Paper{.colours = false, .width = 80}.paint(out, Tone::kBad, "x");
  EXPECT_EQ(out, "x");
  Paper{.colours = true, .width = 80}.paint(out, Tone::kBad, "y");
  EXPECT_EQ(out, "x\x1b[1;31my\x1b[0m");
}

}  // namespace
}  // namespace plumb::detect
