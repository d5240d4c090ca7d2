// SPDX-License-Identifier: Apache-2.0
// A trace as a pprof profile.
#include <array>

#include "detect/report/pprof_profile.h"
#include "detect/report/trace_document.h"

namespace plumb::detect {
namespace {

void add_site(PprofProfile& profile, const TraceDocument& document, const Site& site) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(site.total_age).count();
  const std::array values{held(site), site.created, static_cast<std::uint64_t>(seconds)};
  PprofProfile::Labels labels{{"kind", name_of(site.kind)}};
  for (const HoldingSample& one : site.samples) {
    const auto known = document.texts.find({one.pid, one.fd, one.file});
    if (known == document.texts.end() || known->second.other_end.empty()) continue;
    labels.emplace_back("peer", known->second.other_end);
    break;
  }
  const auto frames = document.stacks.frames(site.stack);
  if (frames.empty()) {
    profile.add_sample("[" + std::string(reason_without_stack(site.special)) + "]", values, labels);
  } else {
    profile.add_sample(frames, values, labels);
  }
}

}  // namespace

void write_trace_pprof(const TraceDocument& document, const Sink& sink) {
  PprofProfile profile(document.stacks);
  profile.add_type("open", "count");
  profile.add_type("created", "count");
  profile.add_type("age", "seconds");
  for (const Site* site : held_sites(document)) add_site(profile, document, *site);
  const auto traced = document.ledger.now() - document.ledger.began();
  profile.set_duration(static_cast<std::uint64_t>(traced.count()));
  sink(profile.packed());
}

}  // namespace plumb::detect
