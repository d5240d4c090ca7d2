// SPDX-License-Identifier: Apache-2.0
// What grew, as records: "origin_difference" for each origin, "difference" at the end.
#include "detect/record/call_name.h"
#include "detect/report/difference_document.h"
#include "detect/report/frames_json.h"
#include "detect/report/json_writer.h"
#include "detect/report/trace_document.h"

namespace plumb::detect {
namespace {

constexpr int kOriginSchema = 1;
constexpr int kDifferenceSchema = 1;

}  // namespace

void write_difference_json(const DifferenceDocument& document, const Sink& sink) {
  JsonWriter json;
  for (const OriginDifference& one : document.origins) {
    json.begin("origin_difference", kOriginSchema);
    json.member("kind", std::string_view(one.origin.kind_name));
    if (const auto call = call_name(one.origin.call); !call.empty()) json.member("call", call);
    json.member("grew", one.grew());
    json.member("before", one.before);
    json.member("after", one.after);
    json.member("created", one.created);
    json.member("closed", one.closed);
    if (one.origin.special != OriginId::kFirst) {
      json.member("reason", reason_without_stack(one.origin.special));
    }
    json.open_list("stack");
    add_frames(json, *one.stacks, one.origin.stack);
    json.close_list();
    json.end();
    if (!sink(json.text())) return;
    json.clear();
  }
  json.begin("difference", kDifferenceSchema);
  json.member("before", std::string_view(document.before));
  json.member("after", std::string_view(document.after));
  json.member("grew", growth_of_all(document));
  json.end();
  sink(json.text());
}

}  // namespace plumb::detect
