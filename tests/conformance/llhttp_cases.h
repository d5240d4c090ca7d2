// SPDX-License-Identifier: Apache-2.0
// Reads the cases of the llhttp project: Markdown files in which a heading names a case, a comment
// says request or response, a block "http" is the input and a block "log" lists the expected
// events.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace plumb::test {

struct LlhttpCase {
  std::string id;    // "request/invalid.md: Invalid method", with " (2)" for a repeated heading
  std::string type;  // "request", "response-lenient-headers", "request-finish", …
  bool skips_body = false;
  std::string input;

  // What llhttp is expected to say.
  std::string error;    // the reason of its error; empty: none
  bool held = false;    // it paused because another protocol follows
  int messages = 0;     // how many were complete
  std::string content;  // of all messages, joined
  int finish = -1;      // of llhttp_finish(): 0 and 1 are good ends, 2 is not; -1: not called

  bool is_request() const { return type.starts_with("request"); }
  bool is_lenient() const { return type.find("-lenient") != std::string::npos; }
};

// The cases of one file's text; `file` goes into the ids.
std::vector<LlhttpCase> read_llhttp_cases(std::string_view file, std::string_view text);

}  // namespace plumb::test
