// SPDX-License-Identifier: Apache-2.0
// zombie-children: children that ended and that their parent does not wait for.
#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

#include "detect/finding/kinds.h"
#include "detect/finding/sites.h"
#include "detect/finding/wording.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kMany = 10;
constexpr std::uint64_t kFew = 3;  // where their number rises

struct Zombies {
  std::uint64_t all = 0;
  std::uint64_t lasting = 0;  // were zombies at the first look already
  ProcessIndex example{};
  std::vector<Pid> numbers;
};

// What is acquired for each child, as the pipe to its output is, comes from who starts it. Answers
// with its kind.
std::string add_pipe(const Facts& facts, ProcessIndex parent, Finding& finding) {
  for (const Kind kind : {Kind::kPidfd, Kind::kPipe, Kind::kUnix}) {
    const auto sites = growing_sites(facts, facts.process(parent).key.pid, kind);
    if (sites.empty() || sites.front()->special != OriginId::kFirst) continue;
    auto stack = frames_of(facts.trace->stacks, sites.front()->stack);
    const Frame* guilty = guilty_frame(stack);
    if (guilty == nullptr) continue;
    finding.evidence.push_back(
        {"each with", fmt::format("a {} of {}", name_of(kind), frame_text(*guilty))});
    if (finding.stack.empty()) finding.stack = std::move(stack);
    return std::string(name_of(kind));
  }
  return {};
}

// Who starts them, by the trace of forks, or by what comes with each child.
void add_who(const Facts& facts, ProcessIndex parent, const Zombies& zombies, Finding& finding) {
  std::string starter;
  const Pid pid = facts.process(parent).key.pid;
  if (const Site* site = starting_site(facts, pid, Kind::kChild, zombies.numbers)) {
    starter = add_starter(facts, *site, finding);
  }
  const std::string pipe = add_pipe(facts, parent, finding);
  if (starter.empty() && !pipe.empty()) starter = frame_text(*guilty_frame(finding.stack));
  if (starter.empty()) return;
  finding.remedy =
      fmt::format("{} must wait for what it starts (waitpid){}", starter,
                  pipe.empty() ? std::string(", or ignore SIGCHLD") : ", and close its " + pipe);
}

}  // namespace

void find_zombie_children(const Facts& facts, std::vector<Finding>& found) {
  const Survey& survey = facts.now.survey;
  std::map<Pid, Zombies> parents;
  for (std::uint32_t p = 0; p < survey.processes.size(); ++p) {
    const Process& process = survey.processes[p];
    if (process.state != RunState{'Z'}) continue;
    Zombies& zombies = parents[process.parent];
    ++zombies.all;
    zombies.example = ProcessIndex{p};
    zombies.numbers.push_back(process.key.pid);
    const auto before = facts.earlier(ProcessIndex{p});
    zombies.lasting +=
        before && facts.first.survey.processes[number(*before)].state == RunState{'Z'};
  }
  for (const auto& [pid, zombies] : parents) {
    const auto parent = find_process(survey, pid);
    const Tracked* tracked = parent ? facts.tracked(*parent) : nullptr;
    if (tracked == nullptr) continue;
    const Trend trend = facts.observation.trend(*tracked, Measure::kZombies, kFew);
    if (zombies.lasting < kMany && !trend.rises()) continue;
    const std::string who = name_with_pid(survey, *parent);
    Finding finding;
    finding.id = id::kZombieChildren;
    finding.subject = subject_of(survey, *parent);
    finding.severity = Severity::kWarning;
    finding.confidence = trend.rises() ? 0.95 : 0.9;
    finding.measure = Measure::kZombies;
    finding.weight = zombies.all;
    finding.series = facts.observation.series(*tracked, Measure::kZombies);
    finding.summary = fmt::format(
        "{} has not waited for {} that ended{}", who, counted(zombies.all, "child", "children"),
        trend.rises() ? ", " + rate_text(trend.per_second) : std::string());
    finding.evidence.push_back(
        {"zombies", fmt::format("{}, such as {}; {} were there {} ago already",
                                human_count(zombies.all), name_with_pid(survey, zombies.example),
                                human_count(zombies.lasting), human_duration(facts.observed()))});
    finding.whose_move = who;
    finding.remedy = fmt::format(
        "{} must call waitpid() for its children, or ignore SIGCHLD so that the kernel does", who);
    add_who(facts, *parent, zombies, finding);
    found.push_back(std::move(finding));
  }
}

}  // namespace plumb::detect
