// SPDX-License-Identifier: Apache-2.0
// Writes or compares the golden documents: plumb_golden compare|write FOLDER. Text at the widths of
// real terminals, and JSON.
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "detect/report/list.h"
#include "detect/report/summary.h"
#include "detect/report/tree_document.h"
#include "detect/report/waits_document.h"
#include "tests/support/machine.h"
#include "tests/support/traced_machine.h"

namespace plumb::detect {
namespace {

// Name of the file and what should stand in it.
std::map<std::string, std::string> documents() {
  const Machine machine;
  const Survey& survey = machine.survey;
  const Joined joined(survey);
  const Selection everything = select(survey, {});
  const auto tree = grow_tree(survey, everything);
  const auto found = glance(joined, tree);
  const auto rows = list_rows(survey, everything, {});
  const auto counts = count_rows(survey, rows);
  const Summary summary{joined, tree, found};
  const WaitGraph graph(joined);
  const WaitsDocument waits{graph, chain_starts(graph)};
  const TracedMachine traced;
  const TraceDocument trace = traced.document();

  std::map<std::string, std::string> all;
  const auto into = [&](const std::string& name) -> Sink {
    return [&text = all[name]](std::string_view piece) {
      text.append(piece);
      return true;
    };
  };
  for (const std::size_t width : {80u, 100u, 160u}) {
    const Paper paper{.colours = false, .width = width};
    const std::string suffix = "-" + std::to_string(width) + ".txt";
    write_list(joined, rows, default_columns(width), paper, into("ls" + suffix));
    write_counts(survey, counts, paper, into("count" + suffix));
    write_tree(joined, tree, paper, into("tree" + suffix));
    write_summary(summary, paper, into("summary" + suffix));
    write_waits(waits, paper, into("waits" + suffix));
    write_trace_text(trace, paper, into("trace" + suffix));
  }
  const Paper coloured{.colours = true, .width = 100};
  write_list(joined, rows, default_columns(100), coloured, into("ls-colour.txt"));
  write_tree(joined, tree, coloured, into("tree-colour.txt"));
  write_summary(summary, coloured, into("summary-colour.txt"));
  write_waits(waits, coloured, into("waits-colour.txt"));
  write_list_json(joined, rows, {}, into("ls.json"));
  write_counts_json(survey, counts, into("count.json"));
  write_tree_json(joined, tree, into("tree.json"));
  write_summary_json(summary, into("summary.json"));
  write_waits_dot(waits, into("waits.dot"));
  write_trace_text(trace, coloured, into("trace-colour.txt"));
  write_trace_json(trace, into("trace.json"));
  write_trace_folded(trace, into("trace.folded"));
  all["missing.txt"] = missing_text(survey);
  return all;
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The first line in which two texts differ, for a failure that can be read.
void show_difference(const std::string& name, std::string_view expected, std::string_view got) {
  std::size_t line = 1;
  while (!expected.empty() || !got.empty()) {
    const auto wanted = expected.substr(0, expected.find('\n'));
    const auto had = got.substr(0, got.find('\n'));
    if (wanted != had) {
      std::fprintf(stderr, "%s:%zu\n  expected: %.*s\n  got:      %.*s\n", name.c_str(), line,
                   static_cast<int>(wanted.size()), wanted.data(), static_cast<int>(had.size()),
                   had.data());
      return;
    }
    expected.remove_prefix(std::min(wanted.size() + 1, expected.size()));
    got.remove_prefix(std::min(had.size() + 1, got.size()));
    ++line;
  }
}

int run(const std::string& action, const std::filesystem::path& folder) {
  int different = 0;
  for (const auto& [name, text] : documents()) {
    if (action == "write") {
      std::ofstream(folder / name, std::ios::binary) << text;
    } else if (const std::string expected = read(folder / name); expected != text) {
      show_difference(name, expected, text);
      ++different;
    }
  }
  if (different != 0) std::fputs("after reading the difference: tools/regen-golden\n", stderr);
  return different == 0 ? 0 : 1;
}

}  // namespace
}  // namespace plumb::detect

int main(int argc, char** argv) {
  const bool known =
      argc == 3 && (std::strcmp(argv[1], "compare") == 0 || std::strcmp(argv[1], "write") == 0);
  if (!known) {
    std::fputs("usage: plumb_golden compare|write FOLDER\n", stderr);
    return 2;
  }
  return plumb::detect::run(argv[1], argv[2]);
}
