// SPDX-License-Identifier: Apache-2.0
// Grouping the holders of other ends.
#include "detect/finding/other_ends.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "detect/finding/wording.h"
#include "detect/model/command.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMostParties = 3;

struct Grouping {
  std::map<std::pair<std::string, Pid>, OtherEnds::Party> parties;

  void add(const Facts& facts, ProcessIndex own, ProcessIndex holder) {
    const Survey& survey = facts.now.survey;
    const Process& process = survey.processes[number(holder)];
    auto& party = parties[{command_pattern(program_of(survey, process)), process.parent}];
    ++party.descriptors;
    if (party.holders.empty() || party.holders.back() != holder) party.holders.push_back(holder);
    party.children = process.parent == survey.processes[number(own)].key.pid;
  }
};

}  // namespace

OtherEnds other_ends_of(const Facts& facts, ProcessIndex process, std::optional<Kind> kind) {
  OtherEnds ends;
  Grouping grouping;
  const auto rows = facts.now.tables.rows_of(process);
  for (std::uint32_t d = rows.first; d < rows.last; ++d) {
    if (kind && facts.now.survey.descriptors[d].kind != *kind) continue;
    const End end = facts.now.ends.of(DescriptorIndex{d});
    if (end.state == EndState::kNone) continue;
    ++ends.total;
    if (end.state == EndState::kOutside) ++ends.outside;
    if (end.state == EndState::kNobody) ++ends.nobody;
    if (end.state == EndState::kAcceptQueue) ++ends.queued;
    // One's own row counts only where nobody else has the other end.
    std::optional<ProcessIndex> holder;
    for (const DescriptorIndex other : end.holders) {
      if (!holder || *holder == process) holder = facts.now.row(other).process;
    }
    if (holder == process && end.state == EndState::kHeld) ++ends.itself;
    if (holder && holder != process) grouping.add(facts, process, *holder);
  }
  for (auto& [key, party] : grouping.parties) {
    std::ranges::sort(party.holders);
    const auto again = std::ranges::unique(party.holders);
    party.holders.erase(again.begin(), again.end());
    ends.parties.push_back(std::move(party));
  }
  std::ranges::stable_sort(ends.parties, std::ranges::greater{}, &OtherEnds::Party::descriptors);
  return ends;
}

std::string other_ends_text(const Facts& facts, const OtherEnds& ends) {
  std::string text;
  const auto add = [&](std::uint64_t count, std::string_view where) {
    if (count == 0) return;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", human_count(count), where);
  };
  for (std::size_t p = 0; p < std::min(ends.parties.size(), kMostParties); ++p) {
    const OtherEnds::Party& party = ends.parties[p];
    const Survey& survey = facts.now.survey;
    const bool one = party.holders.size() == 1;
    const std::string who =
        one ? name_with_pid(survey, party.holders.front())
            : fmt::format("{} {}{}", human_count(party.holders.size()),
                          party.children ? "children " : "",
                          survey.texts.at(survey.processes[number(party.holders.front())].name));
    add(party.descriptors, "with " + who);
  }
  add(ends.outside, "outside");
  add(ends.nobody, "with nobody");
  add(ends.itself, "with itself");
  return text;
}

}  // namespace plumb::detect
