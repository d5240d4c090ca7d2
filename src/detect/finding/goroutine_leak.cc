// SPDX-License-Identifier: Apache-2.0
// goroutine-leak: goroutines pile up. Each is a go statement's doing, so they are counted by the
// statement that has started them; where most of them stand says what they wait for.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "detect/finding/kinds.h"
#include "detect/finding/wording.h"
#include "detect/record/goroutine.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kLeastRise = 4;

// Go's own HTTP server and client, and its database/sql for each transaction, start goroutines for
// connections: the connections are what leaks, and other findings tell of them.
bool of_connections(const Frame& creator) {
  return creator.function.starts_with("net/http.") ||
         creator.function.starts_with("golang.org/x/net/http2.") ||
         creator.function.starts_with("database/sql.");
}

// They wait for a lock or for somebody to take what they send, which no client can end.
bool held_up(std::string_view reason) {
  return reason.starts_with("semacquire") || reason.starts_with("sync.") || reason == "chan send";
}

// They wait until one of database/sql's connections is given back: the pool has a bound.
bool waits_for_database(const std::vector<Frame>& stack) {
  return std::ranges::any_of(stack, [](const Frame& frame) {
    return frame.function.starts_with("database/sql.(*DB).conn");
  });
}

constexpr std::string_view kDatabaseRemedy =
    "all connections of database/sql's pool are taken: what takes one (Rows, Tx, Conn, Stmt) must "
    "be closed or ended on every way out";

// Where most of them stand, and how many do.
struct Place {
  StackNode stack = StackStore::kEmpty;
  std::string reason;
  std::uint64_t count = 0;
};

Place usual_place(const GoroutineSnapshot& snapshot, const std::vector<const Goroutine*>& members) {
  std::map<StackNode, Place> places;
  for (const Goroutine* one : members) {
    Place& place = places[one->stack];
    place.stack = one->stack;
    ++place.count;
    const bool reasoned = one->state == GoroutineState::kWaiting && one->reason != 0 &&
                          one->reason < snapshot.wait_reasons.size();
    place.reason = reasoned ? snapshot.wait_reasons[one->reason] : std::string(name_of(one->state));
  }
  const auto most =
      std::ranges::max_element(places, {}, [](const auto& entry) { return entry.second.count; });
  return most == places.end() ? Place{} : most->second;
}

void describe(const Facts& facts, ProcessIndex p, const GoroutineFacts& watched,
              const std::string& key, const GoroutineSeries::Site& site, const Trend& trend,
              std::vector<Finding>& found) {
  const GoroutineSnapshot& snapshot = *watched.series.last();
  const auto members = watched.series.members_of(key);
  const Place place = usual_place(snapshot, members);
  const std::string who = name_with_pid(facts.now.survey, p);
  Finding finding;
  finding.id = id::kGoroutineLeak;
  finding.subject = subject_of(facts.now.survey, p);
  finding.severity = Severity::kWarning;
  finding.confidence = 0.9;
  finding.weight = members.size();
  finding.series = site.counts;
  finding.stack = frames_of(snapshot.stacks, place.stack);
  const Frame* waits_at = guilty_frame(finding.stack);
  const std::string starter = frame_text(site.creator);
  finding.summary = fmt::format("{} leaks goroutines: {} now, {}, all started by {}", who,
                                human_count(members.size()), rate_text(trend.per_second), starter);
  finding.evidence.push_back(
      {"growth", fmt::format("from {} to {} in {}, {}", site.counts.front().count, members.size(),
                             human_duration(site.counts.back().time - site.counts.front().time),
                             name_of(trend.shape))});
  const std::string at = waits_at == nullptr ? std::string() : " at " + frame_text(*waits_at);
  finding.evidence.push_back(
      {"they wait", fmt::format("{} of them: {}{}", human_count(place.count), place.reason, at)});
  finding.whose_move = who;
  finding.remedy = fmt::format(
      "{} must give what it starts a way out: a context, a time limit, or a channel with room",
      starter);
  if (waits_for_database(finding.stack)) finding.remedy = kDatabaseRemedy;
  found.push_back(std::move(finding));
}

// Requests of Go's HTTP server pile up in a function of the program itself.
void describe_requests(const Facts& facts, ProcessIndex p, const GoroutineFacts& watched,
                       const std::string& key, const GoroutineSeries::Site& site,
                       const Trend& trend, std::vector<Finding>& found) {
  const GoroutineSnapshot& snapshot = *watched.series.last();
  const Place place = usual_place(snapshot, watched.series.members_of(key));
  auto stack = frames_of(snapshot.stacks, place.stack);
  const Frame* waits_at = guilty_frame(stack);
  if (waits_at == nullptr || place.count < kLeastRise) return;
  const std::string who = name_with_pid(facts.now.survey, p);
  const std::string where = frame_text(*waits_at);
  Finding finding;
  finding.id = id::kGoroutineLeak;
  finding.subject = subject_of(facts.now.survey, p);
  // Whoever waits for news, as a long poll does, is held up by nobody.
  finding.severity = held_up(place.reason) ? Severity::kWarning : Severity::kInfo;
  finding.confidence = held_up(place.reason) ? 0.9 : 0.6;
  finding.weight = place.count;
  finding.series = site.counts;
  finding.summary = fmt::format("{} requests of {} wait in {}, {}", human_count(place.count), who,
                                where, rate_text(trend.per_second));
  finding.evidence.push_back({"they wait", fmt::format("for: {}", place.reason)});
  if (const std::string callers = callers_text(stack); !callers.empty()) {
    finding.evidence.push_back({"called by", callers});
  }
  finding.whose_move = who;
  finding.remedy =
      held_up(place.reason)
          ? fmt::format("what {} waits for is held or not taken by another, on every way out of it",
                        where)
          : fmt::format("{} needs a time limit for what it waits for", where);
  if (waits_for_database(stack)) {
    finding.severity = Severity::kWarning;
    finding.confidence = 0.9;
    finding.remedy = kDatabaseRemedy;
  }
  finding.stack = std::move(stack);
  found.push_back(std::move(finding));
}

}  // namespace

void find_goroutine_leak(const Facts& facts, std::vector<Finding>& found) {
  for (const GoroutineFacts& watched : facts.goroutines) {
    const auto p = find_process(facts.now.survey, watched.process);
    if (!p || watched.series.last() == nullptr) continue;
    for (const auto& [key, site] : watched.series.sites()) {
      const Trend trend = trend_of(site.counts, kLeastRise);
      if (!trend.rises()) continue;
      if (site.creator.function.starts_with("net/http.(*Server).Serve")) {
        describe_requests(facts, *p, watched, key, site, trend, found);
      }
      if (!of_connections(site.creator)) describe(facts, *p, watched, key, site, trend, found);
    }
  }
}

}  // namespace plumb::detect
