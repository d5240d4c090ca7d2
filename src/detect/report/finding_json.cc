// SPDX-License-Identifier: Apache-2.0
// Findings as records.
#include <algorithm>

#include "detect/finding/wording.h"
#include "detect/report/finding_document.h"
#include "detect/report/frames_json.h"
#include "detect/report/json_writer.h"

namespace plumb::detect {
namespace {

constexpr int kFindingSchema = 1;
constexpr int kExplanationSchema = 1;
constexpr std::size_t kMostFollowed = 16;

// A share of one; JsonWriter writes durations as decimal fractions.
std::chrono::nanoseconds share(double value) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(value * 1000 + 0.5));
}

void write_one(JsonWriter& json, const Finding& finding, std::size_t at) {
  json.begin("finding", kFindingSchema);
  json.member("id", finding.id);
  json.member("number", at);
  json.member("severity", name_of(finding.severity));
  json.member("confidence", share(finding.confidence));
  json.open_object("subject");
  if (finding.subject.process.pid != Pid{}) {
    json.member("pid", number(finding.subject.process.pid));
    json.member("start_ticks", finding.subject.process.start.count());
    json.member("process", std::string_view(finding.subject.name));
  }
  json.close_object();
  json.member("count", finding.weight);
  json.member("summary", std::string_view(finding.summary));
  json.open_list("evidence");
  for (const Evidence& row : finding.evidence) {
    json.open_element();
    json.member("what", std::string_view(row.what));
    json.member("value", std::string_view(row.value));
    json.close_object();
  }
  json.close_list();
  json.open_list("causes");
  for (const FindingIndex cause : finding.causes) json.element(number(cause));
  json.close_list();
  json.open_list("leads_to");
  for (std::size_t p = 0; p < std::min(finding.leads_to.size(), kMostFollowed); ++p) {
    json.element(number(finding.leads_to[p].pid));
  }
  json.close_list();
  if (!finding.whose_move.empty()) json.member("whose_move", std::string_view(finding.whose_move));
  if (!finding.remedy.empty()) json.member("remedy", std::string_view(finding.remedy));
  json.open_list("stack");
  add_frames(json, finding.stack);
  json.close_list();
  json.open_list("closer");
  add_frames(json, finding.closer);
  json.close_list();
  json.open_list("series");
  for (const SeriesPoint& point : finding.series) {
    json.open_element();
    json.member("at", point.time - finding.series.front().time);
    json.member("count", point.count);
    json.close_object();
  }
  json.close_list();
  json.end();
}

}  // namespace

void write_findings_json(const FindingDocument& document, const Sink& sink) {
  JsonWriter json;
  const auto& findings = document.explanation.findings;
  for (std::size_t f = 0; f < findings.size(); ++f) write_one(json, findings[f], f);
  json.begin("explanation", kExplanationSchema);
  json.member("observed", document.observed);
  json.member("looks", document.looks);
  json.member("traced", document.traced);
  json.open_list("effects");
  for (const FindingIndex effect : document.explanation.effects) json.element(number(effect));
  json.close_list();
  json.open_list("answer");
  for (const std::string& line : answer_of(document, 80)) json.element(std::string_view(line));
  json.close_list();
  json.open_list("missing");
  for (const std::string& one : document.missing) json.element(std::string_view(one));
  json.close_list();
  json.end();
  sink(json.text());
}

}  // namespace plumb::detect
