// SPDX-License-Identifier: Apache-2.0
// Waits and chains as records.
#include "detect/report/describe.h"
#include "detect/report/pieces.h"
#include "detect/report/records.h"
#include "detect/report/waits_document.h"

namespace plumb::detect {
namespace {

constexpr int kWaitSchema = 1;
constexpr int kChainSchema = 1;
constexpr std::size_t kMostEnds = 16;

void write_identity(JsonWriter& json, const Survey& survey, ProcessIndex process) {
  const Process& row = survey.processes[number(process)];
  json.member("pid", number(row.key.pid));
  json.member("start_ticks", row.key.start.count());
  json.member("process", survey.texts.at(row.name));
}

void write_party(JsonWriter& json, const Joined& joined, const Party& party) {
  const Survey& survey = joined.survey;
  json.open_element();
  json.member("party", name_of(party.kind));
  if (party.via != PartyVia::kNone) json.member("via", name_of(party.via));
  if (party.evidence != WaitEvidence::kNone) json.member("evidence", name_of(party.evidence));
  if (party.on) {
    json.member("fd", number(joined.row(*party.on).fd));
    json.member("kind", name_of(joined.row(*party.on).kind));
    std::string name;
    append_name(name, joined, *party.on);
    json.member("name", std::string_view(name));
    json.member("descriptors", party.count);
  }
  if (party.end != EndState::kNone) json.member("end", name_of(party.end));
  if (party.accepted) json.member("accepted", true);
  if (party.mutual) json.member("mutual", true);
  if (!party.whom.empty()) {
    json.open_list("whom");
    std::size_t listed = 0;
    for (const ProcessIndex whom : party.whom) {
      if (listed++ == kMostHolders) break;
      json.open_element();
      json.member("pid", number(survey.processes[number(whom)].key.pid));
      json.member("process", survey.texts.at(survey.processes[number(whom)].name));
      json.close_object();
    }
    json.close_list();
    json.member("total", party.whom_total);
  }
  if (party.thread) json.member("thread", number(survey.threads[number(*party.thread)].tid));
  if (party.remaining) json.member("remaining_seconds", *party.remaining);
  if (party.unread_there) json.member("unread_there", *party.unread_there);
  json.close_object();
}

void write_wait_record(JsonWriter& json, const WaitGraph& graph, const ThreadParties& thread) {
  const Joined& joined = graph.joined();
  const Survey& survey = joined.survey;
  const Thread& row = survey.threads[number(thread.thread)];
  json.begin("wait", kWaitSchema);
  write_identity(json, survey, thread.process);
  json.member("tid", number(row.tid));
  json.member("thread", survey.texts.at(row.name));
  const char state = static_cast<char>(row.state);
  if (state != '\0') json.member("state", std::string_view(&state, 1));
  if (row.waits_in) {
    json.member("call_number", row.waits_in->number);
    if (!thread.wait.call.empty()) json.member("call", thread.wait.call);
    if (thread.wait.fd) json.member("fd", number(*thread.wait.fd));
  }
  const std::string_view function = survey.texts.at(thread.kernel_function);
  if (!function.empty()) json.member("kernel_function", function);
  if (thread.timeout) json.member("timeout_seconds", *thread.timeout);
  json.open_list("parties");
  for (const Party& party : thread.parties) write_party(json, joined, party);
  json.close_list();
  if (thread.cut != 0) json.member("cut", thread.cut);
  json.end();
}

void write_chain(JsonWriter& json, const WaitGraph& graph, ProcessIndex process,
                 const ChainEnd& end) {
  const Survey& survey = graph.joined().survey;
  const auto list = [&](const auto& processes) {
    for (const ProcessIndex one : processes) {
      json.open_element();
      json.member("pid", number(survey.processes[number(one)].key.pid));
      json.member("process", survey.texts.at(survey.processes[number(one)].name));
      json.close_object();
    }
    json.close_list();
  };
  json.begin("chain", kChainSchema);
  write_identity(json, survey, process);
  json.member("end", name_of(end.reason));
  json.open_object("act");
  write_identity(json, survey, end.way.back());
  json.close_object();
  json.open_list("way");
  list(end.way);
  if (!end.ring.empty()) {
    json.open_list("ring");
    list(end.ring);
  }
  json.member("text", std::string_view(chain_end_text(graph, end)));
  json.end();
}

}  // namespace

void write_waits_json(const WaitsDocument& document, const Sink& sink) {
  const WaitGraph& graph = document.graph;
  JsonWriter json;
  for (const ProcessIndex process : reached_from(graph, document.asked)) {
    for (const ThreadParties& thread : graph.threads_of(process)) {
      write_wait_record(json, graph, thread);
      if (!pass_on(json, sink)) return;
    }
  }
  for (const ProcessIndex process : document.asked) {
    for (const ChainEnd& end : chain_ends(graph, process, kMostEnds)) {
      write_chain(json, graph, process, end);
      if (!pass_on(json, sink)) return;
    }
  }
  write_survey(json, graph.joined().survey);
  sink(json.text());
}

}  // namespace plumb::detect
