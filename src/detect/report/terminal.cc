// SPDX-License-Identifier: Apache-2.0
// Escaping, measuring, cutting and colouring of terminal text.
#include "detect/report/terminal.h"

#include <fmt/format.h>

#include <array>
#include <iterator>

#include "detect/report/utf8.h"

namespace plumb::detect {
namespace {

void append_escape(std::string& out, char32_t c) {
  switch (c) {
    case '\n':
      out += "\\n";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\r':
      out += "\\r";
      return;
    case 0x1b:
      out += "\\e";
      return;
    default:
      break;
  }
  const auto value = static_cast<std::uint32_t>(c);
  if (value < 0x80) {
    fmt::format_to(std::back_inserter(out), "\\x{:02x}", value);
  } else {
    fmt::format_to(std::back_inserter(out), "\\u{{{:04x}}}", value);
  }
}

// The length of the longest beginning of `text` that fits, and its cells.
std::pair<std::size_t, std::size_t> fit(std::string_view text, std::size_t width) {
  std::size_t at = 0;
  std::size_t used = 0;
  while (at < text.size()) {
    const CodePoint c = decode_utf8(text.substr(at));
    const std::size_t wide = cells_of(c.value);
    if (used + wide > width) break;
    used += wide;
    at += c.length != 0 ? c.length : 1;
  }
  return {at, used};
}

constexpr std::array<std::string_view, 7> kTones = {"",         "\x1b[1m",    "\x1b[2m", "\x1b[32m",
                                                    "\x1b[33m", "\x1b[1;31m", "\x1b[36m"};

}  // namespace

void append_clean(std::string& out, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t plain = plain_prefix(bytes);
    out.append(bytes.substr(0, plain));
    bytes.remove_prefix(plain);
    if (bytes.empty()) return;
    const CodePoint c = decode_utf8(bytes);
    if (c.length == 0) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}",
                     static_cast<unsigned>(static_cast<unsigned char>(bytes.front())));
      bytes.remove_prefix(1);
      continue;
    }
    if (is_unprintable(c.value)) {
      append_escape(out, c.value);
    } else {
      out.append(bytes.substr(0, c.length));
    }
    bytes.remove_prefix(c.length);
  }
}

std::string clean(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  append_clean(out, bytes);
  return out;
}

std::size_t cells(std::string_view text) {
  const std::size_t plain = plain_prefix(text);
  if (plain == text.size()) return plain;
  return plain + fit(text.substr(plain), std::string_view::npos).second;
}

std::string cut_middle(std::string_view text, std::size_t width) {
  if (cells(text) <= width) return std::string(text);
  if (width == 0) return {};
  const std::size_t head = (width - 1) / 2;
  const auto [begin, used] = fit(text, head);
  // The tail: drop characters from behind the head until the rest fits.
  std::string_view tail = text.substr(begin);
  std::size_t left = cells(tail);
  while (left > width - 1 - used) {
    const CodePoint c = decode_utf8(tail);
    left -= cells_of(c.value);
    tail.remove_prefix(c.length != 0 ? c.length : 1);
  }
  std::string cut(text.substr(0, begin));
  return cut.append("…").append(tail);
}

void append_padded(std::string& out, std::string_view text, std::size_t width, Align align) {
  const std::size_t used = cells(text);
  const std::size_t blanks = used < width ? width - used : 0;
  if (align == Align::kRight) out.append(blanks, ' ');
  out.append(text);
  if (align == Align::kLeft) out.append(blanks, ' ');
}

void Paper::paint(std::string& out, Tone tone, std::string_view text) const {
  const std::string_view code = kTones[static_cast<std::size_t>(tone)];
  if (!colours || code.empty() || text.empty()) {
    out.append(text);
    return;
  }
  out.append(code).append(text).append("\x1b[0m");
}

}  // namespace plumb::detect
