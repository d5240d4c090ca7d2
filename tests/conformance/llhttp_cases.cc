// SPDX-License-Identifier: Apache-2.0
// The Markdown dialect of llhttp's cases.
#include "llhttp_cases.h"

#include <map>

#include "plumb/base/text.h"

namespace plumb::test {
namespace {

std::string_view take_line(std::string_view& rest) {
  return take_until(rest, '\n');
}

// The text of the fenced block whose opening line was just taken.
std::string_view take_block(std::string_view& rest) {
  const std::size_t end = rest.find("\n```");
  const auto block = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  take_line(rest);
  return block;
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Lines end in CRLF; a trailing '\' joins lines; \r \n \t \f and \xNN are escapes, any other '\' is
// one.
std::string decode(std::string_view block) {
  std::string bytes;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const char c = block[i];
    const char next = i + 1 < block.size() ? block[i + 1] : '\0';
    if (c == '\n') {
      bytes += "\r\n";
    } else if (c != '\\') {
      bytes += c;
    } else if (next == '\n') {
      ++i;
    } else if (next == 'r' || next == 'n' || next == 't' || next == 'f') {
      bytes += next == 'r' ? '\r' : next == 'n' ? '\n' : next == 't' ? '\t' : '\f';
      ++i;
    } else if (next == 'x' && i + 3 < block.size() && hex(block[i + 2]) >= 0 &&
               hex(block[i + 3]) >= 0) {
      bytes += static_cast<char>(hex(block[i + 2]) * 16 + hex(block[i + 3]));
      i += 3;
    } else {
      bytes += c;
    }
  }
  return bytes;
}

// The number behind `key`, or nothing.
std::optional<std::size_t> number_after(std::string_view line, std::string_view key) {
  const std::size_t at = line.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  auto rest = line.substr(at + key.size());
  return parse_number<std::size_t>(rest.substr(0, rest.find_first_not_of("0123456789")));
}

// Codes 21 to 23 are pauses: 21 the test's own, 22 and 23 because another protocol follows.
void read_log(std::string_view log, LlhttpCase& result) {
  while (!log.empty()) {
    const auto line = take_line(log);
    const auto offset = number_after(line, "off=");
    if (const auto code = number_after(line, "error code=")) {
      if (*code == 22 || *code == 23)
        result.held = true;
      else if (*code != 21)
        result.error = std::string(line.substr(line.find("reason=")));
    } else if (line.find(" span[body]=") != std::string_view::npos && offset) {
      result.content += result.input.substr(*offset, number_after(line, " len=").value_or(0));
    } else if (line.ends_with(" message complete")) {
      ++result.messages;
    } else if (const auto finish = number_after(line, "finish=")) {
      result.finish = static_cast<int>(*finish);
    }
  }
}

}  // namespace

std::vector<LlhttpCase> read_llhttp_cases(std::string_view file, std::string_view text) {
  std::vector<LlhttpCase> cases;
  std::map<std::string, int> seen;
  std::string heading;
  LlhttpCase next;
  while (!text.empty()) {
    const auto line = take_line(text);
    if (line.starts_with("#")) {
      heading = std::string(trim(line.substr(line.find_first_not_of('#'))));
    } else if (const auto at = line.find("\"type\":");
               line.find("meta=") != std::string_view::npos && at != std::string_view::npos) {
      auto rest = line.substr(line.find('"', at + 7) + 1);
      next = {};
      next.type = std::string(rest.substr(0, rest.find('"')));
      next.skips_body = line.find("\"skipBody\": true") != std::string_view::npos;
    } else if (line == "```http") {
      next.input = decode(take_block(text));
    } else if (line == "```log" && !next.type.empty()) {
      read_log(take_block(text), next);
      next.id = std::string(file) + ": " + heading;
      if (const int count = ++seen[next.id]; count > 1)
        next.id += " (" + std::to_string(count) + ")";
      cases.push_back(std::move(next));
      next = {};
    }
  }
  return cases;
}

}  // namespace plumb::test
