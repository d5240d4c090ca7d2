// SPDX-License-Identifier: Apache-2.0
// Records of processes and of the survey.
#include "detect/report/records.h"

#include <string.h>

#include "detect/model/cgroup.h"
#include "detect/model/namespaces.h"
#include "detect/model/wait.h"
#include "detect/model/waiting.h"
#include "plumb/base/text.h"

namespace plumb::detect {

void write_kinds(JsonWriter& json, const KindCounts& counts) {
  json.open_list("kinds");
  for (const Kind kind : all_kinds()) {
    const std::uint32_t count = counts[static_cast<std::size_t>(kind)];
    if (count == 0) continue;
    json.open_element();
    json.member("kind", name_of(kind));
    json.member("count", count);
    json.close_object();
  }
  json.close_list();
}

void write_wait(JsonWriter& json, const BlockingCall& call) {
  const Wait wait = wait_of(call);
  json.open_object("waits");
  json.member("call_number", call.number);
  if (!wait.call.empty()) json.member("call", wait.call);
  if (wait.fd) json.member("fd", number(*wait.fd));
  json.close_object();
}

void write_process(JsonWriter& json, const Joined& joined, ProcessIndex index) {
  const Survey& survey = joined.survey;
  const Process& p = survey.processes[number(index)];
  const auto optional = [&](const auto& name, const auto& value) {
    if (value) json.member(name, *value);
  };
  json.begin("process", kProcessSchema);
  json.member("pid", number(p.key.pid));
  json.member("start_ticks", p.key.start.count());
  json.member("age_seconds", age_of(survey, p));
  json.member("parent", number(p.parent));
  if (p.own_pid && *p.own_pid != p.key.pid) json.member("own_pid", number(*p.own_pid));
  json.member("name", survey.texts.at(p.name));
  std::string_view line = survey.texts.at(p.command_line);
  if (!line.empty()) {
    json.open_list("command_line");
    while (!line.empty()) json.element(take_until(line, '\0'));
    json.close_list();
  }
  json.member("uid", number(p.uid));
  const char state = static_cast<char>(p.state);
  if (state != '\0') json.member("state", std::string_view(&state, 1));
  const std::string_view cgroup = survey.texts.at(p.cgroup);
  if (!cgroup.empty()) {
    const CgroupName name = read_cgroup(cgroup);
    json.member("cgroup", cgroup);
    if (!name.unit.empty()) json.member("unit", name.unit);
    if (!name.container.empty()) {
      json.open_object("container");
      json.member("runtime", name.runtime);
      json.member("id", name.container);
      json.close_object();
    }
  }
  if (!(p.namespaces == Namespaces{})) {
    json.open_object("namespaces");
    json.member("pid", p.namespaces.pid);
    json.member("mnt", p.namespaces.mnt);
    json.member("net", p.namespaces.net);
    json.member("user", p.namespaces.user);
    json.close_object();
  }
  if (p.error == 0) json.member("descriptors", joined.tables.size_of(index));
  if (p.error != 0) optional("descriptors", p.descriptors);
  optional("descriptor_limit", p.descriptor_limit);
  optional("descriptor_hard_limit", p.descriptor_hard_limit);
  optional("threads", p.thread_count);
  optional("resident_bytes", p.resident_bytes);
  optional("virtual_bytes", p.virtual_bytes);
  if (p.error == 0) write_kinds(json, joined.tables.counts_of(index));
  if (const BlockingCall* call = leader_call(survey, p)) write_wait(json, *call);
  if (p.error != 0) {
    json.member("errno", p.error);
    const char* text = ::strerrordesc_np(p.error);
    if (text != nullptr) json.member("error", std::string_view(text));
  }
  json.end();
}

void write_losses(JsonWriter& json, const std::vector<Loss>& losses) {
  json.open_list("losses");
  for (const Loss& loss : losses) {
    json.open_element();
    json.member("what", std::string_view(loss.what));
    json.member("count", loss.count);
    json.member("why", std::string_view(loss.why));
    json.close_object();
  }
  json.close_list();
}

void write_survey(JsonWriter& json, const Survey& survey) {
  json.begin("survey", kSurveySchema);
  json.member("source", survey.source == Survey::Source::kBpf ? std::string_view("bpf")
                                                              : std::string_view("proc"));
  json.member("since_boot_seconds", survey.taken.time_since_epoch());
  json.member("took_seconds", survey.took);
  json.member("processes", survey.processes.size());
  json.member("descriptors", survey.descriptors.size());
  json.member("sockets", survey.sockets.size());
  write_losses(json, survey.losses);
  json.open_list("blinds");
  for (const Blind& blind : survey.blinds) {
    json.open_element();
    json.member("what", std::string_view(blind.what));
    json.member("remedy", std::string_view(blind.remedy));
    json.close_object();
  }
  json.close_list();
  json.end();
}

}  // namespace plumb::detect
