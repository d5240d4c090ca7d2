// SPDX-License-Identifier: Apache-2.0
// Attaching the probes of pairs.
#include "detect/source/pair_probes.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "detect/source/bpf/trace_abi.h"

namespace plumb::detect {
namespace {

constexpr int kEverybody = -1;

static_assert(static_cast<int>(PairForm::kReturned) == abi::kPairReturned);
static_assert(static_cast<int>(PairForm::kArgument) == abi::kPairArgument);
static_assert(static_cast<int>(PairForm::kIfZero) == abi::kPairIfZero);
static_assert(static_cast<int>(PairForm::kPointedTo) == abi::kPairPointedTo);

std::uint64_t extent_of(std::uint64_t pages_before, std::uint64_t pages_after) {
  constexpr std::uint64_t kMostPages = 0xfffff;
  return std::min(pages_before, kMostPages) << 24U | std::min(pages_after, kMostPages) << 44U;
}

std::uint64_t cookie_of(const PairPlace& place) {
  std::uint64_t cookie = abi::kKindPair + place.pair;
  cookie |= std::uint64_t{static_cast<std::uint8_t>(place.function.form)} << 8U;
  cookie |= std::uint64_t{place.function.argument & 7U} << 10U;
  cookie |= std::uint64_t{place.releases ? 1U : 0U} << 13U;
  cookie |= std::uint64_t{(place.function.offset / 8) & 0x3ffU} << 14U;
  return cookie | extent_of(place.pages_before, place.pages_after);
}

// Whether only the return tells what was acquired or released.
bool waits_for_return(const PairPlace& place) {
  switch (place.function.form) {
    case PairForm::kArgument:
      return false;
    case PairForm::kPointedTo:
      return !place.releases;
    case PairForm::kReturned:
    case PairForm::kIfZero:
      return true;
  }
  return false;
}

}  // namespace

Result<void> PairProbes::watch(const PairPlace& place) {
  const BpfLog log;
  bpf_uprobe_opts options{};
  options.sz = sizeof options;
  options.bpf_cookie = cookie_of(place);
  const auto attach = [&](bpf_program* program) {
    return BpfLink(bpf_program__attach_uprobe_opts(program, kEverybody, place.path.c_str(),
                                                   place.offset, &options));
  };
  // The return first: what is entered must be able to come back.
  if (waits_for_return(place)) {
    options.retprobe = true;
    BpfLink back = attach(skeleton_.progs.pair__returned);
    if (!back) return bpf_failure("probe", place.path + ":" + place.function.name, errno, log);
    links_.push_back(std::move(back));
    options.retprobe = false;
  }
  BpfLink entry = attach(skeleton_.progs.pair__entered);
  if (!entry) return bpf_failure("probe", place.path + ":" + place.function.name, errno, log);
  links_.push_back(std::move(entry));
  return {};
}

Result<void> PairProbes::watch_own(const std::string& path) {
  const BpfLog log;
  struct Probe {
    bpf_program* program;
    const char* name;
  };
  for (const Probe& probe : {Probe{skeleton_.progs.probe__released, "release"},
                             Probe{skeleton_.progs.probe__acquired, "acquire"}}) {
    BpfLink link(bpf_program__attach_usdt(probe.program, kEverybody, path.c_str(), "plumb",
                                          probe.name, nullptr));
    if (!link) return bpf_failure("probe", path + ":plumb:" + probe.name, errno, log);
    links_.push_back(std::move(link));
  }
  return {};
}

Result<void> PairProbes::watch_sampler(const std::string& path) {
  const BpfLog log;
  struct Probe {
    bpf_program* program;
    const char* function;
  };
  for (const Probe& probe : {Probe{skeleton_.progs.heap__freed, "plumb_sampled_free"},
                             Probe{skeleton_.progs.heap__lost, "plumb_sampled_lost"},
                             Probe{skeleton_.progs.heap__code, "plumb_sampled_code"},
                             Probe{skeleton_.progs.heap__sampled, "plumb_sampled_block"}}) {
    bpf_uprobe_opts options{};
    options.sz = sizeof options;
    options.func_name = probe.function;
    BpfLink link(
        bpf_program__attach_uprobe_opts(probe.program, kEverybody, path.c_str(), 0, &options));
    if (!link) return bpf_failure("probe", path + ":" + probe.function, errno, log);
    links_.push_back(std::move(link));
  }
  return {};
}

Result<void> PairProbes::watch_heap(const HeapPlace& place) {
  const BpfLog log;
  const HeapFunction& function = place.function;
  bpf_uprobe_opts options{};
  options.sz = sizeof options;
  options.bpf_cookie = abi::kKindHeap | std::uint64_t{function.size} << 8U |
                       std::uint64_t{function.times} << 11U | std::uint64_t{function.old} << 14U |
                       std::uint64_t{function.into ? 1U : 0U} << 17U |
                       extent_of(place.pages_before, place.pages_after);
  const auto attach = [&](bpf_program* program) {
    return BpfLink(bpf_program__attach_uprobe_opts(program, number(place.process),
                                                   place.path.c_str(), place.offset, &options));
  };
  if (function.size != 0) {
    options.retprobe = true;
    BpfLink back = attach(skeleton_.progs.heap__returned);
    if (!back) return bpf_failure("probe", place.path, errno, log);
    links_.push_back(std::move(back));
    options.retprobe = false;
  }
  BpfLink entry = attach(skeleton_.progs.heap__entered);
  if (!entry) return bpf_failure("probe", place.path, errno, log);
  links_.push_back(std::move(entry));
  return {};
}

std::map<Kind, std::string> PairProbes::told() const {
  std::map<Kind, std::string> kinds;
  const bpf_map* map = skeleton_.maps.probe_kinds;
  char name[abi::kTraceProbeName] = {};
  const void* previous = nullptr;
  for (int i = 0; i < abi::kTracePairs; ++i) {
    char next[abi::kTraceProbeName] = {};
    if (bpf_map__get_next_key(map, previous, next, sizeof next) != 0) break;
    std::memcpy(name, next, sizeof name);
    previous = name;
    std::uint32_t kind = 0;
    if (bpf_map__lookup_elem(map, name, sizeof name, &kind, sizeof kind, 0) != 0) continue;
    if (kind < abi::kKindProbe || kind > 0xff) continue;
    kinds[Kind{static_cast<std::uint8_t>(kind)}] = std::string(name, ::strnlen(name, sizeof name));
  }
  return kinds;
}

}  // namespace plumb::detect
