// SPDX-License-Identifier: Apache-2.0
// Sites of a process.
#include "detect/finding/sites.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "detect/finding/wording.h"
#include "detect/record/call_name.h"
#include "plumb/base/human.h"

namespace plumb::detect {

std::uint64_t survivors(const Site& site) {
  return std::accumulate(site.births.begin(), site.births.end(), std::uint64_t{0});
}

std::vector<const Site*> growing_sites(const Facts& facts, Pid process, Kind kind) {
  std::vector<const Site*> sites;
  if (facts.trace == nullptr) return sites;
  for (const Site& site : facts.trace->ledger.sites()) {
    if (site.kind != kind || site.growth != Growth::kGrowing) continue;
    const bool own = std::ranges::any_of(
        site.samples, [&](const HoldingSample& sample) { return sample.pid == process; });
    if (own) sites.push_back(&site);
  }
  std::ranges::stable_sort(sites, std::ranges::greater{},
                           [](const Site* site) { return survivors(*site); });
  return sites;
}

double survivor_rate(const Facts& facts, const Site& site) {
  const TraceLedger& ledger = facts.trace->ledger;
  const std::chrono::duration<double> traced = ledger.now() - ledger.began() - ledger.min_age();
  return traced.count() <= 0 ? 0 : static_cast<double>(survivors(site)) / traced.count();
}

bool accepts(const Site& site) {
  return call_name(site.call).starts_with("accept");
}

void add_site(const Facts& facts, const Site& site, Finding& finding) {
  const TraceLedger& ledger = facts.trace->ledger;
  finding.evidence.push_back(
      {"survivors",
       fmt::format("{} created, {} closed while traced for {}", human_count(site.created),
                   human_count(site.closed), human_duration(ledger.now() - ledger.began()))});
  if (site.special != OriginId::kFirst) return;
  finding.stack = frames_of(facts.trace->stacks, site.stack);
  const Frame* guilty = guilty_frame(finding.stack);
  // A method of Java that is written in C is at least the library's own word for what is opened.
  const auto java = std::ranges::find_if(
      finding.stack, [](const Frame& frame) { return frame.function.starts_with("Java_"); });
  if (guilty == nullptr && java != finding.stack.end()) guilty = &*java;
  if (guilty == nullptr && !finding.stack.empty()) guilty = &finding.stack.front();
  const std::string_view call = call_name(site.call);
  if (guilty != nullptr) {
    finding.evidence.push_back(
        {"acquired by",
         frame_text(*guilty) + (call.empty() ? std::string() : fmt::format(", by {}", call))});
    if (std::string callers = callers_text(finding.stack); !callers.empty()) {
      finding.evidence.push_back({"called by", std::move(callers)});
    }
  }
}

const Site* starting_site(const Facts& facts, Pid process, Kind kind, std::span<const Pid> among) {
  constexpr std::uint64_t kFewest = 2;
  if (facts.trace == nullptr) return nullptr;
  const auto meant = [&](const HoldingSample& sample) {
    return std::ranges::any_of(among, [&](Pid one) {
      return number(sample.file) == static_cast<std::uint64_t>(number(one));
    });
  };
  std::vector<const Site*> own;
  for (const Site& site : facts.trace->ledger.sites()) {
    if (site.kind != kind || site.live < kFewest || site.special != OriginId::kFirst) continue;
    if (std::ranges::any_of(site.samples, [&](const auto& one) { return one.pid == process; })) {
      own.push_back(&site);
    }
  }
  // A site keeps a few of what it has made: where there is one alone they need not be among them.
  if (own.size() > 1 && !among.empty()) {
    std::erase_if(own,
                  [&](const Site* site) { return std::ranges::none_of(site->samples, meant); });
  }
  const auto most = std::ranges::max_element(own, {}, [](const Site* site) { return site->live; });
  return most == own.end() ? nullptr : *most;
}

std::string add_starter(const Facts& facts, const Site& site, Finding& finding) {
  std::vector<Frame> stack = frames_of(facts.trace->stacks, site.stack);
  const Frame* guilty = guilty_frame(stack);
  if (guilty == nullptr) return {};
  const TraceLedger& ledger = facts.trace->ledger;
  const std::string starter = frame_text(*guilty);
  const std::string_view call = call_name(site.call);
  finding.evidence.push_back(
      {"started by", starter + (call.empty() ? std::string() : fmt::format(", by {}", call))});
  if (std::string callers = callers_text(stack); !callers.empty()) {
    finding.evidence.push_back({"called by", std::move(callers)});
  }
  finding.evidence.push_back(
      {"from there",
       fmt::format("{} started, {} {} while traced for {}", human_count(site.created),
                   human_count(site.closed), site.kind == Kind::kChild ? "waited for" : "ended",
                   human_duration(ledger.now() - ledger.began()))});
  finding.stack = std::move(stack);
  return starter;
}

}  // namespace plumb::detect
