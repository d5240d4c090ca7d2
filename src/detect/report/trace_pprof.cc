// SPDX-License-Identifier: Apache-2.0
// A trace as a pprof profile.
#include <array>

#include "detect/report/pprof_profile.h"
#include "detect/report/trace_document.h"

namespace plumb::detect {
namespace {

// The process at the other end, or where it is not on this machine its address.
std::string peer_of(const SampleText& text) {
  constexpr std::string_view kArrow = "→ ";
  constexpr std::string_view kBetween = "↔ ";
  std::string_view end = text.other_end;
  if (end.starts_with(kArrow)) end.remove_prefix(kArrow.size());
  if (!end.empty() && end != "not visible") return std::string(end);
  const auto at = text.name.find(kBetween);
  if (at == std::string::npos) return {};
  const std::string_view address = std::string_view(text.name).substr(at + kBetween.size());
  return std::string(address.substr(0, address.find(' ')));
}

void add_site(PprofProfile& profile, const TraceDocument& document, const Site& site) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(site.total_age).count();
  const std::array values{held(site), site.created, static_cast<std::uint64_t>(seconds),
                          site.held_bytes, site.created_bytes};
  std::string peer;
  const std::string kind = kind_text(document, site.kind);
  PprofProfile::Labels labels{{"kind", kind}};
  for (const HoldingSample& one : site.samples) {
    const auto known = document.texts.find({one.pid, one.fd, one.file});
    if (known != document.texts.end()) peer = peer_of(known->second);
    if (peer.empty()) continue;
    labels.emplace_back("peer", peer);
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
  profile.add_type("space", "bytes");
  profile.add_type("created_space", "bytes");
  const auto sites = held_sites(document);
  // The outermost frame of a stack is in the program.
  if (!sites.empty()) {
    const auto frames = document.stacks.frames(sites.front()->stack);
    if (!frames.empty()) profile.name_program(frames.back());
  }
  for (const Site* site : sites) add_site(profile, document, *site);
  const auto traced = document.ledger.now() - document.ledger.began();
  profile.set_duration(static_cast<std::uint64_t>(traced.count()));
  sink(profile.packed());
}

}  // namespace plumb::detect
