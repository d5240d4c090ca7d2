// SPDX-License-Identifier: Apache-2.0
// The fields of what stands beside the facts of the other folders in a recording.
#pragma once

#include "detect/finding/recorded_facts.h"
#include "detect/model/fact_fields.h"

namespace plumb::detect {

template <>
struct Fields<PortRange> {
  static void list(auto& field, auto& row) {
    field("first", row.first);
    field("last", row.last);
  }
};
template <>
struct Fields<ObservedBy> {
  static void list(auto& field, auto& row) {
    field("self", row.self);
    field("ephemeral", row.ephemeral);
    field("victims", row.victims);
    field("traced", row.traced);
    field("missing", row.missing);
    field("missing_more", row.missing_more);
  }
};
// When a survey was taken.
struct LookFact {
  BootTime time{};
};
template <>
struct Fields<LookFact> {
  static void list(auto& field, auto& row) { field("time", row.time); }
};
// That HTTP was captured, even if there was none.
struct CaptureFact {
  std::uint64_t exchanges = 0;
};
template <>
struct Fields<CaptureFact> {
  static void list(auto& field, auto& row) { field("exchanges", row.exchanges); }
};
template <>
struct Fields<ThreadStackFacts> {
  static void list(auto& field, auto& row) {
    field("process", row.process);
    field("stack", row.stack);
    field("sampled", row.sampled);
    field("alike", row.alike);
  }
};

}  // namespace plumb::detect
