// SPDX-License-Identifier: Apache-2.0
// Goroutines as JSON: a record for each group, one for the process.
#include "detect/report/frames_json.h"
#include "detect/report/goroutines_document.h"
#include "detect/report/json_writer.h"
#include "detect/report/pieces.h"

namespace plumb::detect {
namespace {

constexpr int kGroupSchema = 1;
constexpr int kGoroutinesSchema = 1;

std::string_view name_of(GoroutineStack read) {
  switch (read) {
    case GoroutineStack::kWhole:
      return "whole";
    case GoroutineStack::kCut:
      return "cut";
    case GoroutineStack::kRunning:
      return "running";
    case GoroutineStack::kTorn:
      return "torn";
  }
  return {};
}

void add_member(JsonWriter& json, const GoroutineSnapshot& snapshot, const Goroutine& one) {
  json.open_element();
  json.member("id", number(one.id));
  if (one.parent) json.member("parent", number(*one.parent));
  json.member("doing", doing(snapshot, one.state, one.reason));
  if (one.waited) json.member("waited", *one.waited);
  if (one.thread) json.member("thread", number(*one.thread));
  json.member("locked", one.locked);
  json.close_object();
}

void add_group(JsonWriter& json, const GoroutineSnapshot& snapshot, const GoroutineGroup& group) {
  json.begin("goroutine_group", kGroupSchema);
  json.member("pid", number(snapshot.process));
  json.member("count", group.members.size());
  json.open_list("doing");
  for (const GoroutineGroup::Why& why : group.whys) {
    json.open_element();
    json.member("state", name_of(why.state));
    if (doing(snapshot, why.state, why.reason) != name_of(why.state)) {
      json.member("reason", doing(snapshot, why.state, why.reason));
    }
    json.member("count", why.count);
    json.close_object();
  }
  json.close_list();
  if (group.shortest) json.member("shortest", *group.shortest);
  if (group.longest) json.member("longest", *group.longest);
  json.member("system", snapshot.goroutines[group.members.front()].system);
  json.member("read", name_of(group.read));
  json.open_list("stack");
  add_frames(json, snapshot.stacks, group.stack);
  json.close_list();
  json.open_list("creators");
  for (const GoroutineGroup::Creator& creator : group.creators) {
    json.open_element();
    json.member("count", creator.count);
    json.open_list("stack");
    add_frames(json, snapshot.stacks, creator.stack);
    json.close_list();
    json.close_object();
  }
  json.close_list();
  json.open_list("members");
  for (const std::uint32_t index : group.members) {
    add_member(json, snapshot, snapshot.goroutines[index]);
  }
  json.close_list();
  json.end();
}

void add_summary(JsonWriter& json, const GoroutinesDocument& document) {
  const GoroutineSnapshot& snapshot = document.snapshot;
  json.begin("goroutines", kGoroutinesSchema);
  json.member("pid", number(snapshot.process));
  json.member("process", std::string_view(snapshot.name));
  if (!snapshot.go_version.empty()) {
    json.member("go_version", std::string_view(snapshot.go_version));
  }
  json.member("layout", std::string_view(snapshot.layout));
  json.member("count", snapshot.goroutines.size() - document.left_out);
  json.member("groups", document.groups.size());
  json.member("left_out", document.left_out);
  json.member("ended", snapshot.dead);
  json.member("read_again", snapshot.read_again);
  json.member("unreadable", snapshot.unreadable);
  json.member("took", snapshot.took);
  json.end();
}

}  // namespace

void write_goroutines_json(const GoroutinesDocument& document, const Sink& sink) {
  JsonWriter json;
  for (const GoroutineGroup& group : document.groups) {
    add_group(json, document.snapshot, group);
    if (!pass_on(json, sink)) return;
  }
  add_summary(json, document);
  sink(json.text());
}

}  // namespace plumb::detect
