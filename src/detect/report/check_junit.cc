// SPDX-License-Identifier: Apache-2.0
// A check as JUnit XML: the form that Jenkins, GitLab and GitHub's test reporters read (testsuites,
// testsuite, testcase, failure; https://github.com/testmoapp/junitxml lists what they have in
// common). XML 1.0 cannot hold control characters, and clean text has none but line ends.
#include <fmt/format.h>

#include <iterator>

#include "detect/report/check_document.h"
#include "detect/report/trace_stack_text.h"

namespace plumb::detect {
namespace {

// For the contents of elements and of attributes in double quotes.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string seconds(std::chrono::nanoseconds time) {
  return fmt::format("{:.3f}", std::chrono::duration<double>(time).count());
}

void write_case(std::string& out, const CheckDocument& document, const LeakGroup& group) {
  const std::string summary = escaped(summary_of(document, group));
  fmt::format_to(std::back_inserter(out), "    <testcase classname=\"plumb.check\" name=\"{}\"",
                 summary);
  if (const Frame* frame = blamed_frame(document, group)) {
    fmt::format_to(std::back_inserter(out), " file=\"{}\" line=\"{}\"",
                   escaped(clean(relative_file(document, *frame))), *frame->line);
  }
  fmt::format_to(std::back_inserter(out), ">\n      <failure type=\"{}\" message=\"{}\">",
                 escaped(kind_in_words(group)), summary);
  std::string stack;
  append_stack(stack, Paper{}, document.stacks, group.first().stack, group.first().cut);
  out += escaped(stack);
  out += "</failure>\n    </testcase>\n";
}

}  // namespace

void write_check_junit(const CheckDocument& document, const Sink& sink) {
  const auto& leaks = document.verdict.leaks;
  const std::string name = escaped(clean(document.command));
  const std::string counts =
      fmt::format("tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"0\" time=\"{}\"",
                  std::max<std::size_t>(leaks.size(), 1), leaks.size(), seconds(document.took));
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  fmt::format_to(std::back_inserter(out), "<testsuites {}>\n", counts);
  fmt::format_to(std::back_inserter(out), "  <testsuite name=\"plumb check {}\" {}>\n", name,
                 counts);
  for (const LeakGroup& group : leaks) write_case(out, document, group);
  if (leaks.empty()) {
    fmt::format_to(
        std::back_inserter(out),
        "    <testcase classname=\"plumb.check\" name=\"nothing leaked\" time=\"{}\"/>\n",
        seconds(document.took));
  }
  if (!document.reduced.empty()) {
    fmt::format_to(std::back_inserter(out), "    <system-out>reduced: {}</system-out>\n",
                   escaped(clean(document.reduced)));
  }
  out += "  </testsuite>\n</testsuites>\n";
  sink(out);
}

}  // namespace plumb::detect
