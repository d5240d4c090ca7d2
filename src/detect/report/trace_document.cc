// SPDX-License-Identifier: Apache-2.0
// What all writers of a trace agree on.
#include "detect/report/trace_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "detect/record/resource_kind.h"

namespace plumb::detect {
namespace {

bool chosen(const TraceDocument& document, Kind kind) {
  return document.kinds.empty() || std::ranges::count(document.kinds, family_of(kind)) > 0;
}

std::string_view last_part(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

std::uint64_t held(const Site& site) {
  return site.aged + site.at_exit;
}

std::vector<const Site*> held_sites(const TraceDocument& document) {
  std::vector<const Site*> found;
  for (const Site& site : document.ledger.sites()) {
    if (held(site) > 0 && chosen(document, site.kind)) found.push_back(&site);
  }
  const bool by_bytes = std::ranges::all_of(found, [](const Site* site) { return sized(*site); });
  std::ranges::stable_sort(found, [by_bytes](const Site* a, const Site* b) {
    const bool stack_a = a->special == OriginId::kFirst;
    const bool stack_b = b->special == OriginId::kFirst;
    if (stack_a != stack_b) return stack_a;
    return by_bytes ? a->held_bytes > b->held_bytes : held(*a) > held(*b);
  });
  return found;
}

std::string kind_text(const TraceDocument& document, Kind kind) {
  const auto named = document.named_kinds.find(kind);
  return named == document.named_kinds.end() ? std::string(name_of(kind)) : clean(named->second);
}

bool sized(const Site& site) {
  const ResourceKind* kind = resource_kind(site.kind);
  return kind != nullptr && kind->sized;
}

std::string_view identity_word(Kind kind) {
  const ResourceKind* resource = resource_kind(kind);
  if (resource == nullptr) return "fd";
  switch (resource->identity) {
    case IdentityForm::kAddress:
      return "at";
    case IdentityForm::kThread:
      return "thread";
    case IdentityForm::kProcess:
      return "process";
  }
  return {};
}

std::string identity_of(Kind kind, const HoldingSample& sample) {
  const ResourceKind* resource = resource_kind(kind);
  if (resource == nullptr) return std::to_string(number(sample.fd));
  if (resource->identity == IdentityForm::kAddress) {
    return fmt::format("0x{:x}", number(sample.file));
  }
  return std::to_string(number(sample.file));
}

std::vector<const Closing*> told_closings(const TraceDocument& document) {
  std::vector<const Closing*> told;
  for (const Closing& closing : document.ledger.closings()) {
    if (!document.all_closings && !closing.holding.listener) continue;
    if (chosen(document, closing.holding.kind)) told.push_back(&closing);
  }
  return told;
}

bool anything_wrong(const TraceDocument& document) {
  const auto sites = held_sites(document);
  const auto closings = told_closings(document);
  const bool grows =
      std::ranges::any_of(sites, [](const Site* site) { return site->growth == Growth::kGrowing; });
  const bool finalized = std::ranges::any_of(closings, [&](const Closing* closing) {
    const auto closer = document.ledger.closer_of(*closing);
    return closing->holding.listener && closer && by_finalizer(document.stacks, *closer);
  });
  return grows || finalized;
}

double growth_rate(const TraceDocument& document, const Site& site) {
  const std::chrono::duration<double> traced = document.ledger.now() - document.ledger.began();
  const auto born = std::accumulate(site.births.begin(), site.births.end(), std::uint64_t{0});
  if (traced.count() <= 0 || site.rows == 0) return 0;
  // Births count rows, each of which may stand for many.
  const double weight =
      static_cast<double>(site.live + site.at_exit) / static_cast<double>(site.rows);
  return static_cast<double>(born) * weight / traced.count();
}

std::string_view name_of(Growth growth) {
  switch (growth) {
    case Growth::kNone:
      return "none";
    case Growth::kTooFew:
      return "too few to tell";
    case Growth::kSteady:
      return "steady";
    case Growth::kGrowing:
      return "growing";
  }
  return {};
}

std::string_view reason_without_stack(OriginId special) {
  switch (special) {
    case OriginId::kBornBefore:
      return "open before the trace began";
    case OriginId::kFound:
      return "found by a survey: came by a way that no hook sees";
    case OriginId::kStackLost:
      return "its stack found no room";
    case OriginId::kNoStack:
      return "came in a kernel worker, which has no stack of the program";
    case OriginId::kFirst:
      return {};
  }
  return {};
}

bool by_finalizer(const StackStore& stacks, StackNode stack) {
  // Go up to 1.23 and from 1.24 on; the second runs cleanups (runtime.AddCleanup) too.
  constexpr std::array<std::string_view, 4> kFinalizers = {
      "runtime.runfinq", "runtime.runFinalizers", "runtime.runCleanups",
      "runtime.(*cleanupQueue).dequeue"};
  return std::ranges::any_of(stacks.frames(stack), [&](FrameId frame) {
    return std::ranges::count(kFinalizers, stacks.frame(frame).function) > 0;
  });
}

std::string function_of(const Frame& frame) {
  return frame.function.empty() ? "?" : clean(frame.function);
}

std::string place_of(const Frame& frame) {
  if (!frame.file.empty() && frame.line) {
    return fmt::format("{}:{}", clean(last_part(frame.file)), *frame.line);
  }
  if (frame.module.empty()) {
    return frame.kind == FrameKind::kJit ? "generated code" : "";
  }
  std::string place = clean(last_part(frame.module));
  if (!frame.function.empty()) {
    place += fmt::format(" +0x{:x}", frame.function_offset);
  } else if (frame.elf_address) {
    place += fmt::format(" at 0x{:x}", number(*frame.elf_address));
  }
  if (!frame.build_id.empty()) place += " " + frame.build_id.hex();
  return place;
}

}  // namespace plumb::detect
