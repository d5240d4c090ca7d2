// SPDX-License-Identifier: Apache-2.0
// Grouping of calls that failed because their descriptor was closed.
#include "detect/finding/contested.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "detect/finding/wording.h"
#include "detect/record/call_name.h"
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

bool is_close(const ContestedClose& close) {
  return is_closing_call(close.call);
}

// Closing everything is no mistake: numbers one after the other, by one thread, at once.
bool is_sweep(const Closes& again) {
  int in_a_row = 1;
  for (std::size_t i = 1; i < again.size(); ++i) {
    const auto apart = again[i]->time - again[i - 1]->time;
    const bool next =
        is_close(*again[i]) && number(again[i]->holding.fd) == number(again[i - 1]->holding.fd) + 1;
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

// Those that were no close: who reads or writes still uses it, whichever thread that is.
Closes uses_of(const Group& group) {
  Closes uses;
  std::ranges::copy_if(group.again, std::back_inserter(uses),
                       [](const ContestedClose* close) { return !is_close(*close); });
  return uses;
}

void add_places(const Contested& contested, Finding& finding) {
  finding.evidence.push_back({"opened by", place_text(contested.opener)});
  if (!contested.first.empty()) {
    finding.evidence.push_back({"closed by", place_text(contested.first)});
  }
  const bool closed = contested.call == "close";
  finding.evidence.push_back(
      {closed ? "closed again" : "used after",
       fmt::format("{}, {} fails with EBADF", place_text(contested.again),
                   closed ? "which" : "whose " + std::string(contested.call))});
  finding.evidence.push_back(
      {"so far", fmt::format("{}, such as fd {}", counted(contested.times, "time", "times"),
                             number(contested.example))});
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
    const Closes uses = uses_of(group);
    const Closes strange = by_strangers(group);
    const Closes& failed = uses.empty() ? group.again : uses;
    Contested one;
    one.process = *p;
    one.used = !uses.empty() || !strange.empty();
    one.opener = frames_of(facts.trace->stacks, key.second);
    one.first = usual_stack(facts, strange.empty() ? group.first : strange);
    one.again = usual_stack(facts, failed);
    one.times = failed.size();
    one.call = is_close(*failed.back()) ? "close" : using_call_name(failed.back()->call);
    one.example = failed.back()->holding.fd;
    all.push_back(std::move(one));
  }
  return all;
}

Finding finding_of(const Facts& facts, std::string_view id, const Contested& contested,
                   Severity severity) {
  constexpr std::uint64_t kFew = 3;
  const bool few = contested.times < kFew;
  Finding finding;
  finding.id = id;
  finding.subject = subject_of(facts.now.survey, contested.process);
  finding.severity = few ? Severity::kInfo : severity;
  finding.confidence = few ? 0.7 : 0.92;
  finding.weight = contested.times;
  finding.stack = contested.opener;
  finding.whose_move = name_with_pid(facts.now.survey, contested.process);
  add_places(contested, finding);
  return finding;
}

}  // namespace plumb::detect
