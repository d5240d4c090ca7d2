// SPDX-License-Identifier: Apache-2.0
// Chains of waits as a graph for Graphviz (dot language, graphviz.org/doc/info/lang.html).
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

#include "detect/report/describe.h"
#include "detect/report/waits_document.h"

namespace plumb::detect {
namespace {

// A clean text has no control characters left; quotes and backslashes would end or bend the string.
std::string quoted(std::string_view clean_text) {
  std::string out = "\"";
  for (const char c : clean_text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out += '"';
}

std::string edge_label(const WaitGraph& graph, const ThreadParties& thread, const Party& party) {
  std::string label(thread.wait.call);
  if (party.on) label.append(" ").append(name_of(graph.joined().row(*party.on).kind));
  if (party.via == PartyVia::kChild) label += " child";
  if (party.via == PartyVia::kLock) label += " lock";
  return label;
}

}  // namespace

void write_waits_dot(const WaitsDocument& document, const Sink& sink) {
  const WaitGraph& graph = document.graph;
  const Survey& survey = graph.joined().survey;
  std::set<ProcessIndex> asked(document.asked.begin(), document.asked.end());
  std::string out = "digraph waits {\n  rankdir=LR;\n  node [shape=box];\n";
  for (const ProcessIndex process : reached_from(graph, document.asked)) {
    const Process& row = survey.processes[number(process)];
    std::string label;
    append_process(label, survey, row);
    const auto lines = wait_lines(graph, process);
    if (!lines.empty()) label.append(" ").append(wait_line_text(graph, lines.front()));
    out += fmt::format("  p{} [label={}{}];\n", number(row.key.pid), quoted(label),
                       graph.can_go_on(process) ? "" : ", color=red");
    const Reached reached = asked.contains(process) ? Reached::kAsked : Reached::kByChain;
    std::set<std::string> edges;
    for (const ThreadParties& thread : graph.threads_of(process)) {
      for (const Party& party : thread.parties) {
        if (!leads_on(party, reached)) continue;
        for (const ProcessIndex whom : party.whom) {
          edges.insert(fmt::format("  p{} -> p{} [label={}{}];\n", number(row.key.pid),
                                   number(survey.processes[number(whom)].key.pid),
                                   quoted(edge_label(graph, thread, party)),
                                   party.mutual ? ", dir=both" : ""));
        }
      }
    }
    for (const std::string& edge : edges) out += edge;
    if (!sink(out)) return;
    out.clear();
  }
  sink(out + "}\n");
}

}  // namespace plumb::detect
