// SPDX-License-Identifier: Apache-2.0
// Grouping of closes that failed.
#include "detect/finding/contested.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "detect/finding/wording.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr auto kSweep = 10ms;  // "close all from 3 on" does so many in a row
constexpr int kLeastSwept = 4;

using Closes = std::vector<const ContestedClose*>;

struct Group {
  Closes again;
  Closes first;
};

// Closing everything is no mistake: numbers one after the other, by one thread, at once.
bool is_sweep(const Closes& again) {
  int in_a_row = 1;
  for (std::size_t i = 1; i < again.size(); ++i) {
    const auto apart = again[i]->time - again[i - 1]->time;
    const bool next = number(again[i]->holding.fd) == number(again[i - 1]->holding.fd) + 1;
    in_a_row = next && apart < kSweep && again[i]->tid == again[i - 1]->tid ? in_a_row + 1 : 1;
    if (in_a_row >= kLeastSwept) return true;
  }
  return false;
}

// By process and by the stack that has opened what they closed.
std::map<std::pair<Pid, StackNode>, Group> groups_of(const Facts& facts) {
  const TraceLedger& ledger = facts.trace->ledger;
  std::map<std::pair<Pid, StackNode>, Group> groups;
  for (const ContestedClose& close : ledger.contested()) {
    const auto opener = ledger.opener_stack(close.holding.origin);
    if (!opener) continue;
    Group& group = groups[{close.pid, *opener}];
    (close.again ? group.again : group.first).push_back(&close);
  }
  return groups;
}

// The stack that most of them share.
std::vector<Frame> usual_stack(const Facts& facts, const Closes& closes) {
  std::map<StackNode, std::size_t> stacks;
  for (const ContestedClose* close : closes) {
    if (const auto stack = facts.trace->ledger.closer_stack(close->closer)) ++stacks[*stack];
  }
  const auto most =
      std::ranges::max_element(stacks, {}, [](const auto& entry) { return entry.second; });
  if (most == stacks.end()) return {};
  return frames_of(facts.trace->stacks, most->first);
}

// First closes by another thread than the one that had opened it, and that closed it again itself.
Closes by_strangers(const Group& group) {
  Closes strange;
  for (const ContestedClose* close : group.first) {
    if (close->tid != close->holding.tid) strange.push_back(close);
  }
  const bool own = std::ranges::any_of(
      group.again, [](const ContestedClose* close) { return close->tid == close->holding.tid; });
  return own ? strange : Closes{};
}

}  // namespace

std::string place_text(const std::vector<Frame>& stack) {
  if (stack.empty()) return "an unknown place";
  const Frame* frame = guilty_frame(stack);
  return frame_text(frame == nullptr ? stack.front() : *frame);
}

std::vector<Contested> contested_closes(const Facts& facts) {
  std::vector<Contested> all;
  if (facts.trace == nullptr) return all;
  for (const auto& [key, group] : groups_of(facts)) {
    const auto p = find_process(facts.now.survey, key.first);
    if (!p || group.again.empty() || is_sweep(group.again)) continue;
    const Closes strange = by_strangers(group);
    Contested one;
    one.process = *p;
    one.stolen = !strange.empty();
    one.opener = frames_of(facts.trace->stacks, key.second);
    one.first = usual_stack(facts, one.stolen ? strange : group.first);
    one.again = usual_stack(facts, group.again);
    one.times = group.again.size();
    one.example = group.again.back()->holding.fd;
    all.push_back(std::move(one));
  }
  return all;
}

void add_places(const Contested& contested, Finding& finding) {
  finding.evidence.push_back({"opened by", place_text(contested.opener)});
  if (!contested.first.empty()) {
    finding.evidence.push_back({"closed by", place_text(contested.first)});
  }
  finding.evidence.push_back(
      {"closed again", place_text(contested.again) + ", which fails with EBADF"});
  finding.evidence.push_back(
      {"so far", fmt::format("{}, such as fd {}", counted(contested.times, "time", "times"),
                             number(contested.example))});
}

}  // namespace plumb::detect
