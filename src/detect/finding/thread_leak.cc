// SPDX-License-Identifier: Apache-2.0
// thread-leak: threads pile up. A pool fills once; these come all the time and none ends.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "detect/finding/kinds.h"
#include "detect/finding/sites.h"
#include "detect/finding/wording.h"
#include "detect/model/wait.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kLeastRise = 5;

// "pool-12-thread-1" and "pool-13-thread-1" are of one kind.
std::string without_numbers(std::string_view name) {
  std::string text;
  for (const char letter : name) {
    const bool digit = std::isdigit(static_cast<unsigned char>(letter)) != 0;
    if (!digit) text += letter;
    if (digit && !text.ends_with("…")) text += "…";
  }
  return text;
}

// What most of them are called and wait in.
std::string usual_thread(const Facts& facts, ProcessIndex p) {
  const Survey& survey = facts.now.survey;
  const Process& process = facts.process(p);
  std::map<std::pair<std::string, std::string>, std::uint64_t> kinds;
  for (std::uint32_t t = 0; t < process.listed_threads; ++t) {
    const Thread& thread = survey.threads[process.first_thread + t];
    const std::string call(thread.waits_in ? wait_of(*thread.waits_in).call : "");
    ++kinds[{without_numbers(survey.texts.at(thread.name)), call}];
  }
  if (kinds.empty()) return {};
  const auto most = std::ranges::max_element(kinds, {}, [](const auto& one) { return one.second; });
  const auto& [name, call] = most->first;
  return fmt::format("{} called {}, {}", human_count(most->second), name,
                     call.empty() ? "running" : "waiting in " + call);
}

// What a std::thread was given to run, from the name of the library's function that runs it:
// "std::thread::_State_impl<std::thread::_Invoker<std::tuple<main::{lambda()#1}> > >::_M_run()".
std::string given_to_run(const std::vector<Frame>& stack) {
  constexpr std::string_view kBefore = "std::thread::_State_impl<std::thread::_Invoker<std::tuple<";
  for (const Frame& frame : stack) {
    if (!frame.function.starts_with(kBefore)) continue;
    const std::size_t end = frame.function.rfind("> > >::_M_run");
    if (end != std::string::npos && end > kBefore.size()) {
      return frame.function.substr(kBefore.size(), end - kBefore.size());
    }
  }
  return {};
}

// The function that they sleep in is what they are for. Answers with it; empty where it is not
// seen.
std::string add_sleep(const Facts& facts, ProcessIndex p, Finding& finding) {
  const auto known =
      std::ranges::find(facts.threads, facts.process(p).key.pid, &ThreadStackFacts::process);
  if (known == facts.threads.end()) return {};
  finding.stack = known->stack;
  const Frame* guilty = guilty_frame(finding.stack);
  std::string where = guilty == nullptr ? given_to_run(finding.stack) : frame_text(*guilty);
  if (where.empty()) {
    // A library's own threads: what it is called says what for.
    const auto script = std::ranges::find(finding.stack, FrameKind::kPython, &Frame::kind);
    if (script != finding.stack.end()) {
      finding.evidence.push_back({std::string(kTheyRun), frame_text(*script)});
    }
    return where;
  }
  finding.evidence.push_back({"they sleep in", fmt::format("{}, {} of the {} newest", where,
                                                           known->alike, known->sampled)});
  return where;
}

// Who starts them must bound them; what they sleep in is why none ends.
void add_who(const Facts& facts, ProcessIndex p, Finding& finding) {
  const std::string where = add_sleep(facts, p, finding);
  std::string starter;
  if (const Site* site = starting_site(facts, facts.process(p).key.pid, Kind::kThread)) {
    starter = add_starter(facts, *site, finding);
  }
  if (!starter.empty()) {
    finding.confidence = 0.92;
    finding.remedy = fmt::format(
        "{} must bound the threads that it starts (a pool), or end them; {} needs a time "
        "limit for what it waits for",
        starter, where.empty() ? std::string("each") : where);
  } else if (!where.empty()) {
    finding.remedy = fmt::format(
        "{} needs a time limit for what it waits for, and its threads a bound (a pool)", where);
  }
}

// Its own, for what its threads wait for is told by who waits; and who has the other ends of that.
void add_servers(const Facts& facts, ProcessIndex p, Finding& finding) {
  const Process& process = facts.process(p);
  finding.leads_to.push_back(process.key);
  for (std::uint32_t t = 0; t < process.listed_threads; ++t) {
    const Thread& thread = facts.now.survey.threads[process.first_thread + t];
    const Wait wait = thread.waits_in ? wait_of(*thread.waits_in) : Wait{};
    const auto d = wait.fd && !wait.many ? facts.now.tables.find(p, *wait.fd) : std::nullopt;
    if (!d || facts.now.row(*d).kind != Kind::kTcp) continue;
    for (const DescriptorIndex other : facts.now.ends.of(*d).holders) {
      const ProcessKey key = facts.now.holder(other).key;
      if (std::ranges::count(finding.leads_to, key) == 0) finding.leads_to.push_back(key);
    }
  }
}

}  // namespace

void find_thread_leak(const Facts& facts, std::vector<Finding>& found) {
  const Survey& survey = facts.now.survey;
  for (std::uint32_t p = 0; p < survey.processes.size(); ++p) {
    const ProcessIndex index{p};
    const Tracked* tracked = facts.tracked(index);
    if (tracked == nullptr || !facts.earlier(index)) continue;
    const Trend trend = facts.observation.trend(*tracked, Measure::kThreads, kLeastRise);
    if (!trend.rises()) continue;
    const std::string who = name_with_pid(survey, index);
    Finding finding;
    finding.id = id::kThreadLeak;
    finding.subject = subject_of(survey, index);
    finding.severity = Severity::kWarning;
    finding.confidence = 0.85;
    finding.measure = Measure::kThreads;
    finding.weight = tracked->counts[place_of(Measure::kThreads)];
    finding.series = facts.observation.series(*tracked, Measure::kThreads);
    finding.summary = fmt::format("{} leaks threads: {} now, {}", who, human_count(finding.weight),
                                  rate_text(trend.per_second));
    finding.evidence.push_back(
        {"growth",
         fmt::format("from {} to {} in {}, {}", finding.series.front().count, finding.weight,
                     human_duration(facts.observation.span()), name_of(trend.shape))});
    if (const std::string text = usual_thread(facts, index); !text.empty()) {
      finding.evidence.push_back({"threads", text});
    }
    finding.whose_move = who;
    finding.remedy = fmt::format(
        "{} should bound its threads (a pool) and give what they wait for a time limit", who);
    add_who(facts, index, finding);
    add_servers(facts, index, finding);
    found.push_back(std::move(finding));
  }
}

}  // namespace plumb::detect
