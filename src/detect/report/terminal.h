// SPDX-License-Identifier: Apache-2.0
// Text for a terminal: what a stranger named may not move the cursor, colour the screen, hide
// itself or begin a new line; and columns must line up.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace plumb::detect {

// Appends `bytes` as one line of clean UTF-8. Unprintable characters become \n, \t, \r, \e, \xHH or
// \u{HHHH}, and so does each byte that is no UTF-8 (\xHH). This is the one way in which names,
// paths and command lines reach text output.
void append_clean(std::string& out, std::string_view bytes);
std::string clean(std::string_view bytes);

// The cells of a clean text.
std::size_t cells(std::string_view text);

// The clean text in at most `width` cells: its middle gives way to an ellipsis, since both the
// beginning and the end of a path tell more. Exactly the text where it fits.
std::string cut_middle(std::string_view text, std::size_t width);

enum class Align : unsigned char { kLeft, kRight };
// Appends the text and blanks up to `width` cells; a longer text stays as it is.
void append_padded(std::string& out, std::string_view text, std::size_t width,
                   Align align = Align::kLeft);

// What a piece of text is, for those who see colours.
enum class Tone : unsigned char { kPlain, kStrong, kFaint, kGood, kWarn, kBad, kAccent };

struct Paper {
  bool colours = false;
  std::size_t width = 0;  // cells in a line; 0: as many as it takes (a file, a pipe)

  bool cuts() const { return width != 0; }
  // Appends the text in its tone.
  void paint(std::string& out, Tone tone, std::string_view text) const;
};

}  // namespace plumb::detect
