// SPDX-License-Identifier: Apache-2.0
// Lenient reading of heads, and what a strict reader would say of them.
#include "http/lenient_head.h"

#include "plumb/base/text.h"
#include "plumb/http/field_text.h"
#include "plumb/http/parser.h"

namespace plumb::http {
namespace {

// Without its CR. The last line of a cut head has no end and is handed out like the others.
std::string_view take_line(std::string_view& rest) {
  auto line = take_until(rest, '\n');
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_http1(std::string_view text) {
  return text == "HTTP/1.0" || text == "HTTP/1.1";
}

bool begins_request(std::string_view data) {
  const std::size_t end = data.find('\n');
  if (end != std::string_view::npos) {
    auto line = trim_blanks(data.substr(0, end > 0 && data[end - 1] == '\r' ? end - 1 : end));
    const std::size_t blank = line.rfind(' ');
    return blank != std::string_view::npos && is_http1(line.substr(blank + 1)) &&
           is_token_byte(line[0]);
  }
  // An unfinished line: a method that is known, and a target that can be one.
  const std::size_t blank = data.find(' ');
  const auto word = data.substr(0, blank);
  if (blank == std::string_view::npos) {
    for (const std::string_view method :
         {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}) {
      if (method.starts_with(word)) return true;
    }
    return false;
  }
  return method_of(word) != Method::kOther &&
         (blank + 1 == data.size() || (data[blank + 1] > ' ' && data[blank + 1] < '\x7f'));
}

}  // namespace

std::string_view LenientHead::find(std::string_view name) const {
  for (const ObservedField& field : fields) {
    if (same_ignoring_case(field.name, name)) return field.value;
  }
  return {};
}

std::optional<std::size_t> head_size(std::string_view text) noexcept {
  for (std::size_t at = text.find('\n'); at != std::string_view::npos;
       at = text.find('\n', at + 1)) {
    if (text.substr(at + 1, 1) == "\n") return at + 2;
    if (text.substr(at + 1, 2) == "\r\n") return at + 3;
  }
  return std::nullopt;
}

bool begins_message(Side side, std::string_view data) noexcept {
  if (side == Side::kClient) return !data.empty() && begins_request(data);
  constexpr std::string_view kStart = "HTTP/1.";
  return !data.empty() && data.substr(0, kStart.size()) == kStart.substr(0, data.size());
}

LenientHead read_lenient(Side side, std::string_view text) {
  LenientHead head;
  auto line = take_line(text);
  head.first = take_word(line);
  head.second = take_word(line);
  head.third = trim(line);
  const std::string& version = side == Side::kClient ? head.third : head.first;
  if (version == "HTTP/1.0") head.version = Version::kHttp10;
  while (!text.empty()) {
    line = take_line(text);
    if (line.empty()) break;
    const bool folded = line.front() == ' ' || line.front() == '\t';
    if (folded && !head.fields.empty()) {
      head.fields.back().value.append(" ").append(trim(line));
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    head.fields.push_back(
        {std::string(trim(line.substr(0, colon))), std::string(trim(line.substr(colon + 1)))});
  }
  for (const ObservedField& field : head.fields) head.framing.add(field.name, field.value);
  return head;
}

std::optional<Fault> strict_fault(Side side, std::string_view head, RequestContext request) {
  Limits limits;
  limits.start_line = limits.field_line = limits.head = static_cast<std::uint32_t>(head.size()) + 1;
  if (side == Side::kClient) {
    RequestParser parser(limits);
    return parser.next(head).event == Event::kFault ? std::optional(parser.fault()) : std::nullopt;
  }
  ResponseParser parser(limits);
  parser.expect(request);
  return parser.next(head).event == Event::kFault ? std::optional(parser.fault()) : std::nullopt;
}

}  // namespace plumb::http
