// SPDX-License-Identifier: Apache-2.0
// Facts into a recording's rows.
#include <algorithm>
#include <map>
#include <tuple>

#include "detect/finding/fact_fields.h"
#include "detect/finding/wording.h"
#include "detect/model/secrets.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMostRequests = 16;  // of one stack: the oldest, of which findings speak

template <typename Message>
void mask(Message& message, Secrets secrets) {
  for (auto& field : message.fields) field.value = masked_value(field.name, field.value, secrets);
}

void mask(Exchange& exchange, Secrets secrets) {
  if (exchange.http.request) {
    mask(*exchange.http.request, secrets);
    exchange.http.request->target = masked_target(exchange.http.request->target, secrets);
  }
  if (exchange.http.response) mask(*exchange.http.response, secrets);
  for (FieldDifference& field : exchange.differences) {
    if (field.upstream) field.upstream = masked_value(field.name, *field.upstream, secrets);
    if (field.downstream) field.downstream = masked_value(field.name, *field.downstream, secrets);
  }
}

void add_observation(const Observation& observation, FactList& list) {
  for (const BootTime time : observation.times()) list.add("look", LookFact{time});
  for (const auto& [process, tracked] : observation.processes()) {
    list.add("tracked", TrackedFact{process, tracked});
  }
  for (const auto& [socket, listener] : observation.listeners()) {
    list.add("listener", ListenerFact{socket, listener});
  }
}

void add_http(const ExchangeFacts& http, Secrets secrets, FactList& list) {
  list.add("capture", CaptureFact{http.exchanges.size()});
  for (const Connection* connection : http.ledger.connections())
    list.add("connection", *connection);
  for (Exchange exchange : http.exchanges) {
    mask(exchange, secrets);
    list.add("exchange", exchange);
  }
}

void add_requests(const GoHttpFacts& watched, Secrets secrets, FactList& list) {
  for (const GoHttpSite& site : watched.leaks.sites) {
    GoHttpSiteFact fact{watched.process, frames_of(watched.stacks, site.stack), site.states, {}};
    // The oldest open body is what is told of.
    for (const HeldRequest& held : site.requests) {
      const bool open = held.state == GoConnectionState::kBodyOpen;
      const bool first = open && std::ranges::none_of(fact.requests, [](const HeldRequest& one) {
                           return one.state == GoConnectionState::kBodyOpen;
                         });
      if (fact.requests.size() >= kMostRequests && !first) continue;
      HeldRequest& kept = fact.requests.emplace_back(held);
      kept.request.query = masked_query(kept.request, secrets);
    }
    list.add("held_requests", fact);
  }
  for (const GoIdleSite& site : watched.leaks.idle) {
    list.add("idle_connections",
             GoIdleFact{watched.process, frames_of(watched.stacks, site.stack), site.connections});
  }
}

void add_goroutines(const GoroutineFacts& watched, FactList& list) {
  // By place, the last one seen last, as whoever counts them meets them.
  using Key = std::tuple<StackNode, std::size_t>;
  std::map<std::tuple<StackNode, StackNode, GoroutineState, std::string>,
           std::pair<std::size_t, GoroutinesFact>>
      groups;
  for (const auto& [key, site] : watched.series.sites()) {
    list.add("go_statement", GoStatementFact{watched.process, key, site.creator, site.counts});
  }
  const GoroutineSnapshot* last = watched.series.last();
  if (last == nullptr) return;
  std::size_t place = 0;
  for (const Goroutine& one : last->goroutines) {
    if (one.system || one.creator == StackStore::kEmpty) continue;
    const bool reasoned =
        one.state == GoroutineState::kWaiting && one.reason < last->wait_reasons.size();
    std::string reason = reasoned ? last->wait_reasons[one.reason] : std::string();
    auto& [latest, fact] = groups[{one.stack, one.creator, one.state, reason}];
    latest = place++;
    ++fact.count;
    fact.state = one.state;
    fact.reason = std::move(reason);
  }
  std::map<Key, std::pair<StackNode, const GoroutinesFact*>> ordered;
  for (const auto& [key, group] : groups) {
    ordered[{std::get<0>(key), group.first}] = {std::get<1>(key), &group.second};
  }
  for (const auto& [key, group] : ordered) {
    GoroutinesFact fact = *group.second;
    fact.process = watched.process;
    fact.creator = last->stacks.frame(last->stacks.frames(group.first).front());
    fact.stack = frames_of(last->stacks, std::get<0>(key));
    list.add("goroutines", fact);
  }
}

}  // namespace

void mask_secrets(Survey& survey) {
  for (Process& process : survey.processes) {
    const std::string line(survey.texts.at(process.command_line));
    // As it is printed: with blanks between the arguments.
    std::string words = line;
    std::ranges::replace(words, '\0', ' ');
    std::string without = masked_text(words);
    if (without == words) continue;
    // Where the program's name ends is what else is read out of it.
    if (const auto end = line.find('\0'); end < without.size()) without[end] = '\0';
    process.command_line = survey.texts.add(without);
  }
}

FactList facts_to_rows(const Facts& facts, const ObservedBy& by, Secrets secrets) {
  FactList list;
  list.add("observation", by);
  add_observation(facts.observation, list);
  if (facts.http != nullptr) add_http(*facts.http, secrets, list);
  for (const GoHttpFacts& watched : facts.go_http) add_requests(watched, secrets, list);
  for (const GoroutineFacts& watched : facts.goroutines) add_goroutines(watched, list);
  for (const MappingGrowth& growth : facts.mappings) list.add("mappings", growth);
  for (const ThreadStackFacts& threads : facts.threads) list.add("thread_stack", threads);
  for (const Mark& mark : facts.marks) list.add("mark", mark);
  if (facts.rerun != nullptr) list.add("rerun", *facts.rerun);
  for (const Refusals& one : facts.refusals) list.add("refusals", one);
  add_survey(facts.now.survey, kLastLook, list);
  list.begin_first();
  add_survey(facts.first.survey, kFirstLook, list);
  return list;
}

}  // namespace plumb::detect
