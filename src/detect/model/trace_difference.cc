// SPDX-License-Identifier: Apache-2.0
// Comparing two moments.
#include "detect/model/trace_difference.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>

namespace plumb::detect {
namespace {

// What a frame is called: what does not change when its program is loaded elsewhere or, where it
// has a name, built anew.
std::string name_of_frame(const Frame& frame) {
  std::string name = frame.function;
  if (!name.empty()) return name;
  name = frame.module;
  if (frame.elf_address) name += "+" + std::to_string(number(*frame.elf_address));
  return name;
}

// By the kind's name, because the numbers of pairs are those of one trace.
using Key = std::tuple<std::string, OriginId, std::string, std::uint16_t>;

Key key_of(const StackStore& stacks, const CountedOrigin& origin) {
  std::string names;
  for (const FrameId frame : stacks.frames(origin.stack)) {
    names += name_of_frame(stacks.frame(frame));
    names += '\0';
  }
  return {std::move(names), origin.special, origin.kind_name, origin.call};
}

CountedOrigin origin_of(const TraceRecording& trace, const TraceRecord::Site& site) {
  const auto named = trace.named_kinds.find(site.kind);
  return {.stack = site.stack,
          .special = site.special,
          .kind = site.kind,
          .kind_name =
              named == trace.named_kinds.end() ? std::string(name_of(site.kind)) : named->second,
          .call = site.call,
          .cut = site.cut,
          .live = site.live + site.at_exit,
          .created = site.created,
          .closed = site.closed};
}

}  // namespace

TraceMoment end_of(const TraceRecording& trace, const StackStore& stacks) {
  TraceMoment moment{stacks, trace.facts.now - trace.facts.began, {}};
  for (const auto& site : trace.facts.sites) moment.origins.push_back(origin_of(trace, site));
  return moment;
}

TraceMoment moment_of(const TraceRecording& trace, const StackStore& stacks, BootTime time,
                      const std::vector<SiteCount>& counts) {
  TraceMoment moment{stacks, time - trace.facts.began, {}};
  for (const SiteCount& count : counts) {
    if (number(count.site) >= trace.facts.sites.size()) continue;
    CountedOrigin origin = origin_of(trace, trace.facts.sites[number(count.site)]);
    origin.live = count.live;
    origin.created = count.created;
    origin.closed = count.closed;
    moment.origins.push_back(std::move(origin));
  }
  return moment;
}

std::vector<OriginDifference> differences(const TraceMoment& before, const TraceMoment& after,
                                          SameTrace same) {
  std::map<Key, OriginDifference> all;
  for (const CountedOrigin& origin : after.origins) {
    OriginDifference& one = all[key_of(after.stacks, origin)];
    if (one.stacks == nullptr) one.origin = origin;
    one.stacks = &after.stacks;
    one.after += origin.live;
    one.created += origin.created;
    one.closed += origin.closed;
  }
  for (const CountedOrigin& origin : before.origins) {
    OriginDifference& one = all[key_of(before.stacks, origin)];
    if (one.stacks == nullptr) {
      one.origin = origin;
      one.stacks = &before.stacks;
    }
    one.before += origin.live;
    if (same == SameTrace::kNo) continue;
    one.created -= std::min(one.created, origin.created);
    one.closed -= std::min(one.closed, origin.closed);
  }
  std::vector<OriginDifference> differing;
  for (auto& [key, one] : all) {
    if (one.before != one.after) differing.push_back(std::move(one));
  }
  std::ranges::stable_sort(differing, std::ranges::greater{}, &OriginDifference::grew);
  return differing;
}

}  // namespace plumb::detect
