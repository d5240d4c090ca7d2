// SPDX-License-Identifier: Apache-2.0
// stuck-children: a process starts children that never end. A pool is started and stays; a pile
// goes on growing, one after the other, and each member waits.
#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>

#include "detect/finding/kinds.h"
#include "detect/finding/said.h"
#include "detect/finding/sites.h"
#include "detect/finding/wording.h"
#include "detect/model/period.h"
#include "detect/model/waiting.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kFewMembers = 5;    // with births seen while observing
constexpr std::size_t kManyMembers = 20;  // by their start times alone
constexpr std::size_t kBirthsSeen = 3;
constexpr auto kShortestPile = 60s;

struct Group {
  const TreeNode& node;
  ProcessIndex parent;
  std::vector<BootTime> births;  // ascending
  std::size_t born_meanwhile = 0;
  std::size_t waiting = 0;
};

Group group_of(const Facts& facts, const TreeNode& node, ProcessIndex parent) {
  Group group{node, parent, {}, 0, 0};
  for (const ProcessIndex member : node.members) {
    const Process& process = facts.process(member);
    group.births.push_back(BootTime(process.key.start));
    group.born_meanwhile += !facts.earlier(member);
    group.waiting += leader_call(facts.now.survey, process) != nullptr;
  }
  std::ranges::sort(group.births);
  return group;
}

// How many children of the parent were there at first and are not any more; of those that are
// called as the group's: what else a shell runs meanwhile ends, and says nothing of these.
std::size_t ended(const Facts& facts, const Group& group) {
  const Pid pid = facts.process(group.parent).key.pid;
  const Process& member = facts.process(group.node.members.front());
  const std::string_view name = facts.now.survey.texts.at(member.name);
  std::size_t gone = 0;
  for (const Process& process : facts.first.survey.processes) {
    if (process.parent != pid || facts.first.survey.texts.at(process.name) != name) continue;
    const auto now = find_process(facts.now.survey, process.key.pid);
    gone += !now || facts.process(*now).key != process.key;
  }
  return gone;
}

// The distances between starts of a pile are spread over its time: the youngest is not much older
// than they usually are, and no half of it came at once.
bool piles_up(const Group& group, BootTime now) {
  const auto spread = group.births.back() - group.births.front();
  if (spread < kShortestPile || now - group.births.back() > spread / 10) return false;
  const auto middle = group.births[group.births.size() / 2] - group.births.front();
  return middle > spread / 5 && middle < spread - spread / 5;
}

// As of wait(2).
std::string status_text(int status) {
  return WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                             : fmt::format("status {}", WEXITSTATUS(status));
}

std::string waits_text(const Facts& facts, const Waiting& waiting) {
  std::string text(waiting.call.empty() ? "runs" : waiting.call);
  if (waiting.evidence == WaitEvidence::kNone) return text;
  text += fmt::format(" · {}", name_of(waiting.kind));
  if (waiting.whom) text += " → " + name_with_pid(facts.now.survey, *waiting.whom);
  if (waiting.state == EndState::kAcceptQueue) text += " (in its accept queue)";
  if (waiting.state == EndState::kNobody) text += " → nobody";
  if (waiting.state == EndState::kOutside) text += " → outside";
  return text;
}

// What came of running one's command again.
void add_rerun(const Facts& facts, const Rerun& rerun, Finding& finding) {
  const std::string lasted = human_duration(rerun.lasted);
  finding.evidence.push_back(
      {"run again",
       rerun.status
           ? fmt::format("it ended after {}, with {}{}", lasted, status_text(*rerun.status),
                         rerun.input_gone ? "; it could not be given what the others read" : "")
           : fmt::format("it did not end in {} either", lasted)});
  if (facts.http == nullptr) return;
  for (const Exchange& exchange : facts.http->exchanges) {
    if (facts.http->ledger.connection(exchange.connection).pid != rerun.pid) continue;
    finding.evidence.push_back({"what it saw", exchange_text(exchange)});
    return;
  }
}

// The function that starts them, where it was seen at it; else the process.
std::string add_who(const Facts& facts, const Group& group, Finding& finding) {
  std::vector<Pid> numbers;
  for (const ProcessIndex member : group.node.members) {
    numbers.push_back(facts.process(member).key.pid);
  }
  std::string starter;
  const Pid parent = facts.process(group.parent).key.pid;
  if (const Site* site = starting_site(facts, parent, Kind::kChild, numbers)) {
    starter = add_starter(facts, *site, finding);
  }
  return starter.empty() ? name_with_pid(facts.now.survey, group.parent) : starter;
}

Finding describe(const Facts& facts, const Group& group) {
  const Survey& survey = facts.now.survey;
  const std::string who = name_with_pid(survey, group.parent);
  const std::string command = short_command(group.node.command, 50);
  Finding finding;
  finding.id = id::kStuckChildren;
  finding.subject = subject_of(survey, group.parent);
  finding.severity = Severity::kWarning;
  finding.measure = Measure::kChildren;
  finding.weight = group.node.members.size();
  finding.confidence = group.born_meanwhile >= kBirthsSeen ? 0.95 : 0.85;
  const auto period = period_of(group.births);
  finding.summary = fmt::format(
      "each of the {} children \"{}\" of {} never ends{}", human_count(finding.weight), command,
      who, period ? fmt::format("; another one every {}", human_duration(period->every)) : "");
  finding.evidence.push_back(
      {"children",
       fmt::format("{} since {} ago, {} more while observed, {} ended", human_count(finding.weight),
                   human_duration(survey.taken - group.births.front()), group.born_meanwhile,
                   ended(facts, group))});
  const auto parties = waiting_of(facts.now, group.node.members);
  for (std::size_t w = 0; w < std::min<std::size_t>(parties.size(), 3); ++w) {
    finding.evidence.push_back(
        {w == 0 ? "they wait in" : "", fmt::format("{} ({} of them)", waits_text(facts, parties[w]),
                                                   human_count(parties[w].count))});
    if (parties[w].whom) finding.leads_to.push_back(facts.process(*parties[w].whom).key);
  }
  for (const ProcessIndex member : group.node.members) {
    finding.leads_to.push_back(facts.process(member).key);
  }
  if (facts.rerun != nullptr && facts.rerun->parent == finding.subject.process) {
    add_rerun(facts, *facts.rerun, finding);
  }
  if (const Tracked* tracked = facts.tracked(group.parent)) {
    finding.series = facts.observation.series(*tracked, Measure::kChildren);
  }
  finding.whose_move = who;
  const std::string starter = add_who(facts, group, finding);
  const bool for_parent = !parties.empty() && parties.front().whom == group.parent &&
                          2 * parties.front().count > group.node.members.size();
  // A full pipe holds back who writes, an empty one who reads.
  const bool writing = !parties.empty() && parties.front().call.find("write") != std::string::npos;
  if (for_parent && writing) {
    finding.remedy = fmt::format(
        "they wait for {} itself: {} must read what they write, or give them another output", who,
        starter == who ? "it" : starter);
  } else if (for_parent) {
    finding.remedy = fmt::format("they wait for {} itself: {} must close its end of what they read",
                                 who, starter == who ? "it" : starter);
  } else {
    finding.remedy =
        fmt::format("{} should give its children a time limit and end them at it", starter);
  }
  return finding;
}

}  // namespace

void find_stuck_children(const Facts& facts, std::vector<Finding>& found) {
  for (const TreeNode& node : facts.tree) {
    if (node.kernel || node.members.size() < kFewMembers) continue;
    const Process& first = facts.process(node.members.front());
    const auto parent = find_process(facts.now.survey, first.parent);
    if (!parent || first.state == RunState{'Z'}) continue;
    // A supervisor of the whole machine adopts what others have left.
    if (number(first.parent) == 1) continue;
    const Group group = group_of(facts, node, *parent);
    if (10 * group.waiting < 9 * node.members.size()) continue;
    const bool seen = group.born_meanwhile >= kBirthsSeen && ended(facts, group) == 0;
    const bool told =
        node.members.size() >= kManyMembers && piles_up(group, facts.now.survey.taken);
    if (seen || told) found.push_back(describe(facts, group));
  }
}

}  // namespace plumb::detect
