// SPDX-License-Identifier: Apache-2.0
// The rules of the chain.
#include "detect/finding/causes.h"

#include <algorithm>
#include <array>

#include "detect/finding/kinds.h"

namespace plumb::detect {
namespace {

enum class Relation : std::uint8_t {
  kSame,     // both are of one process
  kHolder,   // the cause's process has the other ends of what the effect counts
  kWaiters,  // the cause is about processes that the effect leads to
  kBehind,   // the cause says why the effect's own process does not go on
};

struct Rule {
  std::string_view effect;
  std::string_view cause;
  Relation relation;
};

// In the order in which causes are told.
constexpr std::array kRules = {
    Rule{id::kAcceptStarved, id::kLimitNear, Relation::kSame},
    Rule{id::kAcceptStarved, id::kInheritedDescriptor, Relation::kSame},
    Rule{id::kAcceptStarved, id::kIdlePeerWaits, Relation::kHolder},
    Rule{id::kLimitNear, id::kDescriptorLeak, Relation::kSame},
    Rule{id::kLimitNear, id::kStuckChildren, Relation::kSame},
    Rule{id::kLimitNear, id::kCloseWaitPileup, Relation::kSame},
    Rule{id::kLimitNear, id::kUnreadBody, Relation::kSame},
    Rule{id::kLimitNear, id::kDeletedFileHeld, Relation::kSame},
    Rule{id::kLimitNear, id::kConnectionToNowhere, Relation::kSame},
    Rule{id::kLimitNear, id::kDescriptorLeak, Relation::kHolder},
    Rule{id::kDescriptorLeak, id::kStuckChildren, Relation::kSame},
    Rule{id::kDescriptorLeak, id::kCloseWaitPileup, Relation::kSame},
    Rule{id::kDescriptorLeak, id::kUnclosedHttpBody, Relation::kSame},
    Rule{id::kDescriptorLeak, id::kUnreadBody, Relation::kSame},
    Rule{id::kCloseWaitPileup, id::kUnclosedHttpBody, Relation::kSame},
    Rule{id::kUnreadBody, id::kUnclosedHttpBody, Relation::kSame},
    Rule{id::kDescriptorLeak, id::kGoroutineLeak, Relation::kSame},
    Rule{id::kClosedTooEarly, id::kDoubleClose, Relation::kSame},
    Rule{id::kDescriptorLeak, id::kThreadLeak, Relation::kSame},
    Rule{id::kDescriptorLeak, id::kZombieChildren, Relation::kSame},
    Rule{id::kDescriptorLeak, id::kDescriptorLeak, Relation::kHolder},
    Rule{id::kCloseWaitPileup, id::kThreadLeak, Relation::kSame},
    Rule{id::kThreadLeak, id::kUnframedResponse, Relation::kHolder},
    Rule{id::kThreadLeak, id::kIdlePeerWaits, Relation::kWaiters},
    Rule{id::kIdlePeerWaits, id::kGoroutineLeak, Relation::kSame},
    Rule{id::kThreadLeak, id::kLockHeld, Relation::kBehind},
    Rule{id::kIdlePeerWaits, id::kLockHeld, Relation::kBehind},
    Rule{id::kStuckChildren, id::kLockHeld, Relation::kWaiters},
    Rule{id::kStuckChildren, id::kAcceptStarved, Relation::kHolder},
    Rule{id::kStuckChildren, id::kUnframedResponse, Relation::kHolder},
    Rule{id::kStuckChildren, id::kIdlePeerWaits, Relation::kWaiters},
    Rule{id::kStuckChildren, id::kInheritedDescriptor, Relation::kWaiters},
    Rule{id::kStuckChildren, id::kListenerGone, Relation::kHolder},
    Rule{id::kListenerGone, id::kListenerClosed, Relation::kSame},
    Rule{id::kStuckChildren, id::kIdleClients, Relation::kSame},
    Rule{id::kThreadLeak, id::kIdleClients, Relation::kSame},
    Rule{id::kDescriptorLeak, id::kIdleClients, Relation::kSame},
    Rule{id::kLimitNear, id::kIdleClients, Relation::kSame},
    Rule{id::kAcceptStarved, id::kIdleClients, Relation::kSame},
    Rule{id::kIdleClients, id::kDescriptorLeak, Relation::kHolder},
    Rule{id::kLockHeld, id::kLockHeld, Relation::kBehind},
    Rule{id::kLockHeld, id::kIdlePeerWaits, Relation::kBehind},
    Rule{id::kLockHeld, id::kInheritedDescriptor, Relation::kBehind},
};

bool leads_to(const Finding& finding, ProcessKey process) {
  return process.pid != Pid{} && std::ranges::count(finding.leads_to, process) > 0;
}

bool overlap(const Finding& left, const Finding& right) {
  return std::ranges::any_of(right.leads_to,
                             [&](ProcessKey process) { return leads_to(left, process); });
}

// Who gets more clients than leave is not the cause of their leak.
bool may_be_holders_fault(const Finding& cause) {
  return cause.id != id::kDescriptorLeak || cause.severity > Severity::kInfo;
}

// A note is no reason to tell what is wrong below it.
void part_from_notes(std::vector<Finding>& findings) {
  for (Finding& effect : findings) {
    if (effect.severity > Severity::kInfo) continue;
    std::erase_if(effect.causes, [&](FindingIndex cause) {
      return findings[number(cause)].severity > Severity::kInfo;
    });
  }
}

// Whether the connections that a client keeps are as many as half of what has come.
bool explains_rise(const Finding& effect, const Finding& cause) {
  if (effect.id == id::kAcceptStarved) return true;
  if (effect.id == id::kDescriptorLeak && effect.measure != cause.measure) return false;
  if (effect.id == id::kStuckChildren || effect.series.empty()) {
    return 2 * cause.weight >= effect.weight;
  }
  const std::uint64_t least = effect.series.front().count;
  return 2 * cause.weight >=
         effect.series.back().count - std::min(least, effect.series.back().count);
}

// Of one process, and of one thing where both count one: a leak of files does not come from
// connections that the peer has closed.
bool fits(const Finding& effect, const Finding& cause) {
  if (cause.id == id::kCloseWaitPileup) {
    return effect.id != id::kDescriptorLeak || effect.measure == measure_of(Kind::kTcp);
  }
  if (cause.id == id::kUnclosedHttpBody && !cause.measure) return false;  // streams of HTTP/2
  if (cause.id == id::kIdleClients) return explains_rise(effect, cause);
  if (cause.id == id::kGoroutineLeak && effect.id == id::kIdlePeerWaits) {
    return cause.severity > Severity::kInfo;  // who waits for another server is no cause
  }
  if (cause.id == id::kUnclosedHttpBody || cause.id == id::kUnreadBody) {
    return effect.id != id::kDescriptorLeak || effect.measure == measure_of(Kind::kTcp);
  }
  if (cause.id == id::kStuckChildren && effect.id == id::kDescriptorLeak) {
    return overlap(effect, cause) || effect.measure == measure_of(Kind::kPidfd);
  }
  if (cause.id == id::kZombieChildren && effect.id == id::kDescriptorLeak) {
    return effect.measure == measure_of(Kind::kPidfd);
  }
  return true;
}

bool related(const Finding& effect, const Finding& cause, Relation relation) {
  switch (relation) {
    case Relation::kSame:
      return effect.subject.process == cause.subject.process && fits(effect, cause);
    case Relation::kHolder:
      return cause.subject.process != effect.subject.process && may_be_holders_fault(cause) &&
             leads_to(effect, cause.subject.process);
    case Relation::kWaiters:
      return overlap(effect, cause);
    case Relation::kBehind:
      return cause.subject.process != effect.subject.process &&
             leads_to(cause, effect.subject.process);
  }
  return false;
}

bool reaches(const std::vector<Finding>& findings, std::size_t from, std::size_t to) {
  if (from == to) return true;
  return std::ranges::any_of(findings[from].causes, [&](FindingIndex next) {
    return reaches(findings, number(next), to);
  });
}

void raise(std::vector<Finding>& findings, std::size_t effect) {
  for (const FindingIndex index : findings[effect].causes) {
    Finding& cause = findings[number(index)];
    if (cause.severity >= findings[effect].severity || cause.confidence < 0.5) continue;
    cause.severity = findings[effect].severity;
    raise(findings, number(index));
  }
}

// What a leak asks for, to close or to look for what nobody closes, is no remedy where children
// that never end have the other ends, or where the forgotten body is found: that cause says what to
// do; so it does where the requests that wait are seen to wait within a function, where a client
// keeps what the server has a child or a thread for, and where who does not accept has the listener
// by accident.
void leave_to_cause(std::vector<Finding>& findings) {
  for (Finding& finding : findings) {
    const bool held_up = finding.id == id::kIdlePeerWaits && !finding.causes.empty();
    const bool found = std::ranges::any_of(finding.causes, [&](FindingIndex cause) {
      const std::string_view name = findings[number(cause)].id;
      const bool leak = finding.id == id::kDescriptorLeak;
      const bool pile = finding.id == id::kStuckChildren || finding.id == id::kThreadLeak;
      if (finding.id == id::kAcceptStarved) return name == id::kInheritedDescriptor;
      if (name == id::kIdleClients) return pile || (leak && finding.severity > Severity::kInfo);
      return held_up || (leak && (name == id::kUnclosedHttpBody || name == id::kStuckChildren));
    });
    if (!found) continue;
    finding.remedy.clear();
    finding.whose_move.clear();
  }
}

}  // namespace

void link_causes(std::vector<Finding>& findings) {
  for (const Rule& rule : kRules) {
    for (std::size_t e = 0; e < findings.size(); ++e) {
      if (findings[e].id != rule.effect) continue;
      for (std::size_t c = 0; c < findings.size(); ++c) {
        if (findings[c].id != rule.cause || reaches(findings, c, e)) continue;
        // What a cause brings along is not told twice.
        if (!related(findings[e], findings[c], rule.relation) || reaches(findings, e, c)) continue;
        findings[e].causes.push_back(FindingIndex{static_cast<std::uint32_t>(c)});
      }
    }
  }
  leave_to_cause(findings);
  for (std::size_t e = 0; e < findings.size(); ++e) {
    if (findings[e].severity > Severity::kInfo) raise(findings, e);
  }
  part_from_notes(findings);
}

}  // namespace plumb::detect
