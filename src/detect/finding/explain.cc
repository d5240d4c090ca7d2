// SPDX-License-Identifier: Apache-2.0
// Finding, linking, choosing, ordering.
#include "detect/finding/explain.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "detect/finding/causes.h"
#include "detect/finding/contested.h"
#include "detect/finding/kinds.h"
#include "detect/finding/sites.h"
#include "detect/finding/wording.h"

namespace plumb::detect {
namespace {

// Of a process at the other end, these make the chosen one suffer.
constexpr std::array kSuffered = {
    id::kAcceptStarved,  id::kUnframedResponse,    id::kIdlePeerWaits, id::kListenerGone,
    id::kListenerClosed, id::kInheritedDescriptor, id::kLockHeld};

// A library may run a thread for each object: where one function makes both, and forgets the
// descriptors, the threads go when these are closed. They are told with them.
void fold_library_threads(std::vector<Finding>& findings) {
  std::vector<ProcessKey> folded;
  for (const Finding& threads : findings) {
    if (threads.id != id::kThreadLeak) continue;
    const auto run = std::ranges::find(threads.evidence, kTheyRun, &Evidence::what);
    if (run == threads.evidence.end()) continue;
    const auto leak = std::ranges::find_if(findings, [&](const Finding& finding) {
      return finding.id == id::kDescriptorLeak && finding.severity > Severity::kInfo &&
             finding.subject.process == threads.subject.process &&
             same_guilty(finding.stack, threads.stack);
    });
    if (leak == findings.end()) continue;
    leak->evidence.push_back({"with them", "a thread each, which runs " + run->value});
    folded.push_back(threads.subject.process);
  }
  std::erase_if(findings, [&](const Finding& finding) {
    return finding.id == id::kThreadLeak && std::ranges::count(folded, finding.subject.process) > 0;
  });
}

// What one finding says better than another of the same process, and what is plumb's own.
void drop_superseded(Pid self, std::vector<Finding>& findings) {
  const auto has = [&](std::string_view id, const Finding& like) {
    return std::ranges::any_of(findings, [&](const Finding& finding) {
      return finding.id == id && finding.subject.process == like.subject.process;
    });
  };
  std::vector<Finding> kept;
  for (const Finding& finding : findings) {
    if (self != Pid{} && finding.subject.process.pid == self) continue;
    const bool files =
        finding.id == id::kDescriptorLeak && finding.measure == measure_of(Kind::kFile);
    if (files && has(id::kDeletedFileHeld, finding)) continue;
    if (finding.id == id::kIdlePeerWaits && has(id::kUnframedResponse, finding)) continue;
    const bool unused = finding.id == id::kIdleConnections;
    if (unused && (has(id::kDescriptorLeak, finding) || has(id::kIdleClients, finding))) continue;
    kept.push_back(finding);
  }
  findings = std::move(kept);
}

// Whom the chosen ones have to do with: themselves, what is below them, and who has the other ends.
struct Circle {
  std::set<ProcessKey> own;
  std::set<ProcessKey> peers;
};

Circle circle_of(const Facts& facts, const Selection& chosen) {
  Circle circle;
  const Survey& survey = facts.now.survey;
  std::vector<bool> own(survey.processes.size());
  for (std::uint32_t p = 0; p < own.size(); ++p) own[p] = chosen.has(ProcessIndex{p});
  for (std::size_t row = 0; row < survey.descriptors.size(); ++row) {
    if (chosen.has_row(row)) own[number(survey.descriptors[row].process)] = true;
  }
  // A child's number may be lower than its parent's; twice is enough for what happens in practice.
  for (int again = 0; again < 2; ++again) {
    for (std::uint32_t p = 0; p < own.size(); ++p) {
      const auto parent = find_process(survey, survey.processes[p].parent);
      if (parent && own[number(*parent)]) own[p] = true;
    }
  }
  for (std::uint32_t p = 0; p < own.size(); ++p) {
    if (!own[p]) continue;
    circle.own.insert(survey.processes[p].key);
    const auto rows = facts.now.tables.rows_of(ProcessIndex{p});
    for (std::uint32_t d = rows.first; d < rows.last; ++d) {
      for (const DescriptorIndex other : facts.now.ends.of(DescriptorIndex{d}).holders) {
        circle.peers.insert(facts.now.holder(other).key);
      }
    }
  }
  return circle;
}

// What a chosen process suffers from is no mere note.
void raise_for_victims(const Circle& circle, std::vector<Finding>& findings) {
  for (Finding& finding : findings) {
    const bool suffers = std::ranges::any_of(
        finding.leads_to, [&](ProcessKey process) { return circle.own.contains(process); });
    const bool stuck = finding.id == id::kIdlePeerWaits || finding.id == id::kInheritedDescriptor ||
                       finding.id == id::kLockHeld;
    if (stuck && suffers && finding.severity == Severity::kInfo) {
      finding.severity = Severity::kWarning;
    }
  }
}

std::vector<bool> concerned(const Circle& circle, const std::vector<Finding>& findings) {
  std::vector<bool> keep(findings.size());
  const auto follow = [&](const auto& self, std::size_t f) -> void {
    if (keep[f]) return;
    keep[f] = true;
    for (const FindingIndex cause : findings[f].causes) self(self, number(cause));
  };
  for (std::size_t f = 0; f < findings.size(); ++f) {
    const ProcessKey subject = findings[f].subject.process;
    const bool suffered =
        circle.peers.contains(subject) && std::ranges::count(kSuffered, findings[f].id) > 0;
    const bool about = std::ranges::any_of(
        findings[f].leads_to, [&](ProcessKey one) { return circle.own.contains(one); });
    const bool reached = about && std::ranges::count(kSuffered, findings[f].id) > 0;
    if (circle.own.contains(subject) || suffered || reached) follow(follow, f);
  }
  return keep;
}

std::size_t depth_of(const std::vector<Finding>& findings, std::size_t f) {
  std::size_t deepest = 0;
  for (const FindingIndex cause : findings[f].causes) {
    deepest = std::max(deepest, 1 + depth_of(findings, number(cause)));
  }
  return deepest;
}

// Of a finding and all its causes.
Severity worst_of(const std::vector<Finding>& findings, std::size_t f) {
  Severity worst = findings[f].severity;
  for (const FindingIndex cause : findings[f].causes) {
    worst = std::max(worst, worst_of(findings, number(cause)));
  }
  return worst;
}

// Effects by how much they matter, each with its causes behind it.
class Order {
 public:
  Order(std::vector<Finding> findings, const std::vector<bool>& keep)
      : old_(std::move(findings)), place_(old_.size(), kNone) {
    std::vector<bool> is_cause(old_.size());
    for (std::size_t f = 0; f < old_.size(); ++f) {
      if (!keep[f]) continue;
      for (const FindingIndex cause : old_[f].causes) is_cause[number(cause)] = true;
    }
    for (std::size_t f = 0; f < old_.size(); ++f) {
      if (keep[f] && !is_cause[f]) effects_.push_back(f);
    }
    std::ranges::stable_sort(effects_, std::ranges::greater{}, [&](std::size_t f) {
      return std::tuple(worst_of(old_, f), depth_of(old_, f) > 0, old_[f].confidence,
                        old_[f].weight);
    });
  }

  Explanation take() {
    Explanation made;
    for (const std::size_t f : effects_) made.effects.push_back(place(f, made));
    for (Finding& finding : made.findings) {
      for (FindingIndex& cause : finding.causes) cause = FindingIndex{place_[number(cause)]};
    }
    return made;
  }

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;

  FindingIndex place(std::size_t f, Explanation& made) {
    if (place_[f] == kNone) {
      place_[f] = static_cast<std::uint32_t>(made.findings.size());
      made.findings.push_back(old_[f]);
      for (const FindingIndex cause : old_[f].causes) place(number(cause), made);
    }
    return FindingIndex{place_[f]};
  }

  std::vector<Finding> old_;
  std::vector<std::uint32_t> place_;
  std::vector<std::size_t> effects_;
};

}  // namespace

bool Explanation::anything_wrong() const {
  return std::ranges::any_of(
      findings, [](const Finding& finding) { return finding.severity > Severity::kInfo; });
}

Explanation explain(const Facts& given, const Selection& chosen) {
  Facts facts = given;
  const std::vector<Contested> contested = contested_closes(facts);
  facts.contested = &contested;
  std::vector<Finding> findings;
  for (const FindingKind& kind : finding_kinds()) kind.find(facts, findings);
  fold_library_threads(findings);
  drop_superseded(facts.self, findings);
  std::vector<bool> keep(findings.size(), true);
  if (!chosen.everything) {
    const Circle circle = circle_of(facts, chosen);
    raise_for_victims(circle, findings);
    link_causes(findings);
    keep = concerned(circle, findings);
  } else {
    link_causes(findings);
  }
  return Order(std::move(findings), keep).take();
}

}  // namespace plumb::detect
