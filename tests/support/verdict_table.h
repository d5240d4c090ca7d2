// SPDX-License-Identifier: Apache-2.0
// Reads docs/http-verdicts.md: the table of ambiguous and malformed input is the document and the
// test at once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plumb/base/text.h"

namespace plumb::test {

struct VerdictRow {
  std::string id;
  std::string bytes;    // unescaped
  std::string verdict;  // "accepts: length=5", or the name of a fault
  bool is_response() const { return id.starts_with("response-"); }
};

// \r \n \t and \xNN; the table's bytes use no other escape.
inline std::string unescape(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char kind = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (kind == 'x') {
      bytes += static_cast<char>(parse_number<int>(text.substr(i + 2, 2), 16).value_or(0));
      i += 3;
    } else if (kind != '\0') {
      bytes += kind == 'r' ? '\r' : kind == 'n' ? '\n' : '\t';
      ++i;
    } else {
      bytes += text[i];
    }
  }
  return bytes;
}

// Rows are the lines that begin with "| `": case, bytes, verdict of plumb, then columns of others.
inline std::vector<VerdictRow> read_verdicts(std::string_view text) {
  const auto take_code = [](std::string_view& rest) {
    take_until(rest, '`');
    return take_until(rest, '`');
  };
  std::vector<VerdictRow> rows;
  while (!text.empty()) {
    auto line = take_until(text, '\n');
    if (!line.starts_with("| `")) continue;
    VerdictRow row;
    row.id = take_code(line);
    row.bytes = unescape(take_code(line));
    take_until(line, '|');
    row.verdict = trim(take_until(line, '|'));
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace plumb::test
