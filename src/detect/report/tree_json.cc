// SPDX-License-Identifier: Apache-2.0
// The tree as records.
#include <algorithm>

#include "detect/report/pieces.h"
#include "detect/report/records.h"
#include "detect/report/tree_document.h"

namespace plumb::detect {
namespace {

constexpr int kNodeSchema = 1;

void write_waiting(JsonWriter& json, const Survey& survey, const std::vector<Waiting>& parties) {
  json.open_list("waits");
  for (const Waiting& party : parties) {
    json.open_element();
    json.member("count", party.count);
    if (!party.call.empty()) json.member("call", party.call);
    if (party.evidence != WaitEvidence::kNone) {
      json.member("evidence", name_of(party.evidence));
      json.member("kind", name_of(party.kind));
      json.member("end", name_of(party.state));
    }
    if (party.whom) {
      const Process& process = survey.processes[number(*party.whom)];
      json.member("pid", number(process.key.pid));
      json.member("process", survey.texts.at(process.name));
    }
    json.close_object();
  }
  json.close_list();
}

void write_node(JsonWriter& json, const Joined& joined, const TreeNode& node) {
  const Survey& survey = joined.survey;
  KindCounts kinds{};
  std::uint64_t total = 0;
  double fullest = 0;
  for (const ProcessIndex member : node.members) {
    const KindCounts own = joined.tables.counts_of(member);
    for (std::size_t kind = 0; kind < kinds.size(); ++kind) kinds[kind] += own[kind];
    total += joined.tables.size_of(member);
    fullest = std::max(fullest, joined.tables.use_of(member).value_or(0));
  }
  const Process& first = survey.processes[number(node.members.front())];
  json.begin("node", kNodeSchema);
  json.member("depth", node.depth);
  json.member("parent", number(first.parent));
  json.member("name", survey.texts.at(first.name));
  json.member("command", std::string_view(node.command));
  json.member("processes", node.members.size());
  json.open_list("pids");
  for (const ProcessIndex member : node.members) {
    json.element(number(survey.processes[number(member)].key.pid));
  }
  json.close_list();
  json.member("descriptors", total);
  json.member("fullest_percent", static_cast<std::uint32_t>(fullest * 100));
  write_kinds(json, kinds);
  write_waiting(json, survey, waiting_of(joined, node.members));
  json.end();
}

}  // namespace

void write_tree_json(const Joined& joined, const std::vector<TreeNode>& nodes, const Sink& sink) {
  JsonWriter json;
  for (const TreeNode& node : nodes) {
    write_node(json, joined, node);
    if (!pass_on(json, sink)) return;
  }
  write_survey(json, joined.survey);
  sink(json.text());
}

}  // namespace plumb::detect
