// SPDX-License-Identifier: Apache-2.0
// descriptor-leak: descriptors of one kind pile up. The floor of their number rises, and, where the
// process was traced, one site has survivors from all over the trace.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "detect/finding/go_pools.h"
#include "detect/finding/go_serving.h"
#include "detect/finding/kinds.h"
#include "detect/finding/lifted.h"
#include "detect/finding/names.h"
#include "detect/finding/other_ends.h"
#include "detect/finding/sites.h"
#include "detect/finding/wording.h"
#include "detect/model/period.h"
#include "detect/record/call_name.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kLeastRise = 5;       // by counting alone
constexpr std::uint64_t kLeastSurvivors = 3;  // with stacks as well
constexpr std::uint64_t kLeastDistinct = 12;  // of files, where each is another one
constexpr auto kInUse = 5s;  // a connection of a pool is used again by then, a forgotten one never
constexpr auto kLeastTrace = 8s;  // a shorter one proves nothing by its silence
constexpr auto kSoon = 10min;

// Go's HTTP client dials in a goroutine of its own: the stack is not the one that asked.
bool dialled_by_go(const std::vector<Frame>& stack) {
  return std::ranges::any_of(stack, [](const Frame& frame) {
    return frame.function.starts_with("net/http.(*Transport).dialConn");
  });
}

bool asks_database(const std::vector<Frame>& stack) {
  return std::ranges::any_of(
      stack, [](const Frame& frame) { return frame.function.starts_with("database/sql."); });
}

class Looker {
 public:
  Looker(const Facts& facts, ProcessIndex p, Kind kind)
      : facts_(facts), survey_(facts.now.survey), p_(p), kind_(kind) {}

  std::optional<Finding> look() {
    const Tracked* tracked = facts_.tracked(p_);
    if (tracked == nullptr) return std::nullopt;
    const Measure measure = measure_of(kind_);
    trend_ = facts_.observation.trend(*tracked, measure, kLeastSurvivors);
    const auto sites = growing_sites(facts_, facts_.process(p_).key.pid, kind_);
    site_ = sites.empty() ? nullptr : sites.front();
    if (!certain()) return std::nullopt;

    Finding finding;
    finding.id = id::kDescriptorLeak;
    finding.subject = subject_of(survey_, p_);
    finding.measure = measure;
    finding.confidence = confidence();
    finding.series = facts_.observation.series(*tracked, measure);
    finding.weight = tracked->counts[place_of(measure)];
    describe(finding);
    return finding;
  }

 private:
  // An effect is needed: the number has risen by something that matters and never came back.
  bool certain() const {
    const bool traced_long =
        facts_.trace != nullptr && facts_.traced(p_) &&
        facts_.trace->ledger.now() - facts_.trace->ledger.began() >= kLeastTrace;
    if (trend_.shape != Shape::kLinear && in_use()) return false;
    if (site_ != nullptr) {
      if (survivors(*site_) < kLeastDistinct && all_distinct()) return false;
      const bool fell = trend_.shape == Shape::kPlateau || trend_.shape == Shape::kFollowsLoad ||
                        (trend_.shape == Shape::kSawtooth && !below_traffic());
      return survivors(*site_) >= kLeastSurvivors && !fell && (trend_.rise > 0);
    }
    if (!trend_.rises() || trend_.rise < static_cast<std::int64_t>(kLeastRise)) return false;
    return !traced_long;
  }

  // A database opens each of its files once, when it first needs it; a leak opens what it has open.
  bool all_distinct() const {
    if (kind_ != Kind::kFile) return false;
    std::set<std::string_view> names;
    const auto rows = facts_.now.tables.rows_of(p_);
    for (std::uint32_t d = rows.first; d < rows.last; ++d) {
      const Descriptor& row = survey_.descriptors[d];
      if (row.kind != kind_ || row.fd < Fd{3}) continue;
      if (row.unlinked || !names.insert(survey_.texts.at(row.name)).second) return false;
    }
    return true;
  }

  // Connections that have all carried something a moment ago: a pool that grows with its load, in
  // steps, as it does where the machine falls behind. Listeners that leak carry nothing.
  bool in_use() const {
    constexpr std::uint64_t kFewest = 4;
    if (kind_ != Kind::kTcp) return false;
    std::uint64_t all = 0;
    std::uint64_t used = 0;
    const auto rows = facts_.now.tables.rows_of(p_);
    for (std::uint32_t d = rows.first; d < rows.last; ++d) {
      const Descriptor& row = survey_.descriptors[d];
      const Socket* socket = survey_.socket_of(row);
      if (row.kind != kind_ || socket == nullptr || socket->state == SocketState::kListen) continue;
      const auto idle = idle_of(survey_, row);
      ++all;
      used += socket->state == SocketState::kEstablished && idle && *idle < kInUse;
    }
    return used >= kFewest && 4 * used >= 3 * all;
  }

  // A leak below traffic that comes and goes: the site gives next to nothing back, and the floor
  // of all has risen about as much. A cache that replaces its oldest has no such floor.
  bool below_traffic() const {
    const std::uint64_t kept = survivors(*site_);
    return kept >= kLeastRise && 5 * site_->closed <= site_->created &&
           2 * trend_.rise >= static_cast<std::int64_t>(kept);
  }

  double confidence() const {
    if (site_ == nullptr) return 0.6;
    const double seen = static_cast<double>(survivors(*site_));
    const double kept = 1 - static_cast<double>(site_->closed) /
                                static_cast<double>(std::max<std::uint64_t>(site_->created, 1));
    // Of a server's error path most connections are closed well: there the counts must rise too.
    const double weight = std::max(kept, trend_.rises() ? 0.8 : 0.0);
    const double sure = 0.7 + 0.25 * weight * seen / (seen + 3);
    return trend_.rises() ? std::min(0.98, sure + 0.05) : sure;
  }

  double rate() const { return trend_.rises() ? trend_.per_second : survivor_rate(facts_, *site_); }

  // The exact times at which those were born that live now: by the trace's samples, or by the
  // children that have the other ends.
  std::vector<BootTime> births(const OtherEnds& ends) const {
    std::vector<BootTime> times;
    if (!ends.parties.empty() && ends.parties.front().children) {
      for (const ProcessIndex child : ends.parties.front().holders) {
        times.push_back(BootTime(facts_.process(child).key.start));
      }
    } else if (site_ != nullptr) {
      times = site_->born;
    }
    std::ranges::sort(times);
    return times;
  }

  void describe(Finding& finding) {
    const auto limit = facts_.process(p_).descriptor_limit;
    const std::uint64_t open = facts_.now.tables.size_of(p_);
    Trend trend = trend_;
    trend.per_second = rate();
    if (!trend.rises()) trend.shape = Shape::kLinear;
    const auto full = limit ? time_to(*limit, open, trend) : std::nullopt;
    const std::string kind(name_of(kind_));
    const std::string growth = rate_text(rate());
    finding.summary =
        fmt::format("{} leaks {} descriptors: {} open{}, {}{}", name_with_pid(survey_, p_), kind,
                    human_count(finding.weight),
                    limit ? fmt::format(" of {}", human_count(*limit)) : std::string(), growth,
                    full && *full < 24h ? ", full in " + human_duration(*full) : std::string());
    const OtherEnds ends = other_ends_of(facts_, p_, kind_);
    const auto period = period_of(births(ends));
    finding.evidence.push_back(
        {"growth", fmt::format("{} from {} to {} in {}, {}{}", kind,
                               finding.series.empty() ? 0 : finding.series.front().count,
                               finding.series.empty() ? 0 : finding.series.back().count,
                               human_duration(facts_.observation.span()), name_of(trend.shape),
                               period ? fmt::format(", one every {}", human_duration(period->every))
                                      : std::string())});
    if (const std::string text = other_ends_text(facts_, ends); !text.empty()) {
      finding.evidence.push_back({"other ends", text});
    }
    if (std::string names = names_text(facts_, p_, kind_); !names.empty()) {
      finding.evidence.push_back({"they are", std::move(names)});
    }
    if (site_ != nullptr) {
      add_site(facts_, *site_, finding);
      add_lifts(facts_, site_->born, facts_.trace->ledger.began(), finding);
    }
    for (const auto& party : ends.parties) {
      for (const ProcessIndex holder : party.holders) {
        finding.leads_to.push_back(facts_.process(holder).key);
      }
    }
    const double used = limit ? static_cast<double>(open) / static_cast<double>(*limit) : 0;
    finding.severity =
        used >= 0.9 || (full && *full < kSoon) ? Severity::kCritical : Severity::kWarning;
    // Clients that come and stay are no leak of the server, as long as there is room for them.
    if (kind_ == Kind::kTcp && used < 0.8 && ends.itself == 0 && accepted() && kept_alive()) {
      finding.severity = Severity::kInfo;
      finding.summary =
          fmt::format("{} gets more clients than leave: {} connections, {}",
                      name_with_pid(survey_, p_), human_count(finding.weight), growth);
    }
    say_what_to_do(finding, ends);
    if (kind_ == Kind::kTcp && accepted_by_go_http(finding.stack)) add_go_serving(finding);
  }

  // Who accepts in a Go program serves nobody: who has the connection since does not stand in that
  // stack.
  void add_go_serving(Finding& finding) const {
    const auto served = go_serving(facts_, facts_.process(p_).key.pid);
    if (!served) return;
    const std::string goroutines = counted(served->serving, "goroutine", "goroutines");
    if (2 * served->serving < finding.weight) {
      finding.evidence.push_back(
          {"served by",
           fmt::format("{} of net/http for {} connections: its handlers have taken the "
                       "others over (Hijack)",
                       goroutines, human_count(finding.weight))});
      finding.remedy =
          "the function that takes a connection over (http.Hijacker) must see to it that it is "
          "closed: net/http does not any more";
    } else if (2 * served->within >= served->serving) {
      const Frame* guilty = guilty_frame(served->stack);
      const std::string callers = callers_text(served->stack);
      finding.evidence.push_back(
          {"held by", fmt::format("{}, in which {} of {} wait", frame_text(*guilty),
                                  human_count(served->within), goroutines)});
      if (!callers.empty()) finding.evidence.push_back({"called by", callers});
      finding.remedy = fmt::format(
          "{} must not wait for its client without a time limit (a deadline, "
          "http.Server.ReadTimeout), and close what it has taken over",
          frame_text(*guilty));
    } else if (2 * served->waiting >= served->serving) {
      finding.evidence.push_back(
          {"they wait", fmt::format("{} of {} for a request of their client, or the rest of it",
                                    human_count(served->waiting), goroutines)});
      finding.remedy =
          "the server needs time limits for clients that say nothing: http.Server's "
          "ReadHeaderTimeout and IdleTimeout";
    }
  }

  // Whether most of its connections came to a port where somebody listens. Who makes sockets is
  // no server that gets clients: they may be listeners.
  bool accepted() const {
    if (site_ != nullptr && site_->special == OriginId::kFirst && !call_name(site_->call).empty() &&
        !accepts(*site_)) {
      return false;
    }
    std::set<std::uint16_t> ports;
    for (const Socket& socket : survey_.sockets) {
      if (socket.state == SocketState::kListen) ports.insert(socket.local.port);
    }
    std::uint64_t all = 0;
    std::uint64_t came = 0;
    const auto rows = facts_.now.tables.rows_of(p_);
    for (std::uint32_t d = rows.first; d < rows.last; ++d) {
      const Socket* socket = survey_.socket_of(survey_.descriptors[d]);
      if (survey_.descriptors[d].kind != kind_ || socket == nullptr) continue;
      ++all;
      came += socket->state != SocketState::kListen && ports.contains(socket->local.port);
    }
    return 2 * came > all;
  }

  // Whether most of its connections are whole: a peer that has closed is the server's to close.
  bool kept_alive() const {
    const Counts& counts = facts_.tracked(p_)->counts;
    return 2 * counts[place_of(Measure::kCloseWait)] < counts[place_of(measure_of(Kind::kTcp))];
  }

  // Whose connections lie in pools that nobody takes them from again; and what to do about it.
  bool add_pools(Finding& finding) const {
    if (!dialled_by_go(finding.stack)) return false;
    auto idle = left_idle(facts_, facts_.process(p_).key.pid);
    if (!idle) return false;
    finding.stack = std::move(idle->stack);
    const Frame* asks = guilty_frame(finding.stack);
    const std::string whose = asks == nullptr ? name_with_pid(survey_, p_) : frame_text(*asks);
    finding.evidence.push_back(
        {"idle", fmt::format("{} of those that were seen to come lie unused in pools; asked by {}",
                             human_count(idle->connections), whose)});
    finding.remedy = fmt::format(
        "{} must use one http.Client again: each Transport that is made keeps its connections in "
        "a pool of its own",
        whose);
    return true;
  }

  void say_what_to_do(Finding& finding, const OtherEnds& ends) const {
    const std::string who = name_with_pid(survey_, p_);
    finding.whose_move = who;
    if (finding.severity > Severity::kInfo && add_pools(finding)) return;
    const Frame* guilty = guilty_frame(finding.stack);
    const std::string advice = unnamed_code_advice(finding.stack, facts_.process(p_).key.pid);
    if (finding.severity == Severity::kInfo) {
      finding.remedy = fmt::format(
          "nothing yet: there is room for them; {} should end connections on which nothing is said "
          "for long",
          who);
    } else if (dialled_by_go(finding.stack)) {
      finding.remedy = fmt::format(
          "a body that nobody reads to its end nor closes keeps its connection: plumb goroutines "
          "{} "
          "--http shows whose",
          number(facts_.process(p_).key.pid));
    } else if (guilty != nullptr && asks_database(finding.stack)) {
      finding.remedy = fmt::format(
          "{} must close its Rows, Stmt or Conn, or end its Tx, on every way out: until then their "
          "connection is not given back",
          frame_text(*guilty));
    } else if (guilty != nullptr) {
      finding.remedy = fmt::format("{} must close what it acquires, also when it fails on the way",
                                   frame_text(*guilty));
    } else if (!advice.empty()) {
      finding.remedy = fmt::format("{} must close what it acquires; {}", who, advice);
    } else if (ends.nobody * 2 > ends.total && ends.total > 0) {
      finding.remedy =
          fmt::format("nobody has the other ends any more: {} must close its own", who);
    } else {
      finding.remedy = fmt::format("plumb trace {} --kind {} shows who acquires them",
                                   number(facts_.process(p_).key.pid), name_of(kind_));
    }
  }

  const Facts& facts_;
  const Survey& survey_;
  ProcessIndex p_;
  Kind kind_;
  Trend trend_;
  const Site* site_ = nullptr;
};

}  // namespace

void find_descriptor_leak(const Facts& facts, std::vector<Finding>& found) {
  for (std::uint32_t p = 0; p < facts.now.survey.processes.size(); ++p) {
    if (!facts.earlier(ProcessIndex{p})) continue;
    for (const Kind kind : all_kinds()) {
      const Tracked* tracked = facts.tracked(ProcessIndex{p});
      if (tracked == nullptr || tracked->counts[place_of(measure_of(kind))] == 0) continue;
      if (auto finding = Looker(facts, ProcessIndex{p}, kind).look()) {
        found.push_back(*std::move(finding));
      }
    }
  }
}

}  // namespace plumb::detect
