// SPDX-License-Identifier: Apache-2.0
// Held connections as JSON: a record for each place that sent requests, one for the process.
#include "detect/report/frames_json.h"
#include "detect/report/go_http_document.h"
#include "detect/report/json_writer.h"

namespace plumb::detect {
namespace {

constexpr int kHeldSchema = 1;
constexpr int kHttpSchema = 1;

void add_site(JsonWriter& json, const GoHttpDocument& document, const GoHttpSite& site) {
  json.begin("go_http_held", kHeldSchema);
  json.member("pid", number(document.snapshot.process));
  json.member("count", site.requests.size());
  json.open_object("states");
  const auto count = [&](GoConnectionState state) {
    return site.states[static_cast<std::size_t>(state)];
  };
  json.member("body_open", count(GoConnectionState::kBodyOpen));
  json.member("body_read", count(GoConnectionState::kBodyRead));
  json.member("no_answer", count(GoConnectionState::kNoAnswer));
  json.member("unknown", count(GoConnectionState::kUnknown));
  json.close_object();
  json.open_list("requests");
  for (const HeldRequest& held : site.requests) {
    json.open_element();
    json.member("request", std::string_view(request_line(held.request, document.secrets)));
    json.member("http", held.request.version == GoHttpVersion::kHttp2 ? 2 : 1);
    json.member("state", name_of(held.state));
    json.member("age", held.age);
    if (number(held.request.goroutine) != 0) {
      json.member("goroutine", number(held.request.goroutine));
    }
    json.close_object();
  }
  json.close_list();
  json.open_list("stack");
  add_frames(json, document.snapshot.stacks, site.stack);
  json.close_list();
  json.end();
}

}  // namespace

void write_go_http_json(const GoHttpDocument& document, const Sink& sink) {
  JsonWriter json;
  for (const GoHttpSite& site : document.leaks.sites) add_site(json, document, site);
  json.begin("go_http", kHttpSchema);
  json.member("pid", number(document.snapshot.process));
  json.member("process", std::string_view(document.snapshot.name));
  json.member("watched", document.watched);
  json.member("min_age", document.min_age);
  json.member("places", document.leaks.sites.size());
  json.member("younger", document.leaks.younger);
  json.member("before", document.leaks.before);
  if (document.leaks.before_longest) {
    json.member("before_longest", *document.leaks.before_longest);
  }
  json.open_object("losses");
  json.member("requests", document.losses.requests);
  json.member("unread", document.losses.unread);
  json.close_object();
  json.end();
  sink(json.text());
}

}  // namespace plumb::detect
