// SPDX-License-Identifier: Apache-2.0
// A check as records.
#include "detect/record/call_name.h"
#include "detect/report/check_document.h"
#include "detect/report/frames_json.h"
#include "detect/report/records.h"

namespace plumb::detect {
namespace {

constexpr int kLeftoverSchema = 1;
constexpr int kCheckSchema = 1;

void write_sample(JsonWriter& json, const Leftover& left) {
  json.open_element();
  json.member("pid", number(left.pid));
  if (left.fd) json.member("fd", number(*left.fd));
  if (!left.name.empty()) json.member("name", std::string_view(left.name));
  if (!left.other_end.empty()) json.member("other_end", std::string_view(left.other_end));
  if (!left.command.empty()) json.member("command", std::string_view(left.command));
  if (left.status) json.member("status", *left.status);
  if (left.within > 0) json.member("within", left.within);
  if (left.bytes > 0) json.member("bytes", left.bytes);
  if (left.weight > 1) json.member("weight", left.weight);
  json.close_object();
}

void write_group(JsonWriter& json, const CheckDocument& document, const LeakGroup& group) {
  const Leftover& left = group.first();
  json.begin("leftover", kLeftoverSchema);
  json.member("kind", kind_of(left));
  json.member("listener", left.listener);
  json.member("count", group.count);
  if (group.bytes > 0) json.member("bytes", group.bytes);
  json.member("processes", group.processes);
  json.member("process", std::string_view(left.process));
  if (const auto call = call_name(left.call); !call.empty()) json.member("call", call);
  json.member("summary", std::string_view(summary_of(document, group)));
  if (group.excuse) json.member("excuse", name_of(*group.excuse));
  if (group.pattern) {
    json.member("pattern", std::string_view(document.allow.text(*group.pattern)));
    json.member("pattern_at", std::string_view(document.allow.where(*group.pattern)));
  }
  json.open_list("samples");
  for (const Leftover& one : group.samples) write_sample(json, one);
  json.close_list();
  if (!left.no_stack.empty()) json.member("reason", std::string_view(left.no_stack));
  json.member("cut", left.cut);
  json.open_list("stack");
  add_frames(json, document.stacks, left.stack);
  json.close_list();
  json.end();
}

}  // namespace

void write_check_json(const CheckDocument& document, const Sink& sink) {
  JsonWriter json;
  for (const LeakGroup& group : document.verdict.leaks) write_group(json, document, group);
  for (const LeakGroup& group : document.verdict.excused) write_group(json, document, group);
  json.begin("check", kCheckSchema);
  json.member("command", std::string_view(document.command));
  json.member("status", document.status);
  json.member("leaked", document.verdict.leaked());
  json.member("origins", document.verdict.leaks.size());
  json.member("processes", document.processes);
  json.member("took", document.took);
  if (!document.reduced.empty()) json.member("reduced", std::string_view(document.reduced));
  write_losses(json, document.losses);
  json.open_list("unused_patterns");
  for (std::size_t i = 0; i < document.allow.size(); ++i) {
    if (document.verdict.allowed[i] == 0) json.element(std::string_view(document.allow.text(i)));
  }
  json.close_list();
  json.end();
  sink(json.text());
}

}  // namespace plumb::detect
