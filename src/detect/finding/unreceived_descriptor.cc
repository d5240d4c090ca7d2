// SPDX-License-Identifier: Apache-2.0
// unreceived-descriptor: descriptors were sent over a unix socket (SCM_RIGHTS) and nobody receives
// them. They stand in no table, keep what they stand for open, and count against their sender's
// limit until it may send no more (ETOOMANYREFS, unix(7)).
#include <fmt/format.h>

#include <algorithm>

#include "detect/finding/kinds.h"
#include "detect/finding/wording.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kLeastRise = 3;
constexpr std::uint64_t kMany = 10;

struct Queue {
  DescriptorIndex fullest{};
  std::uint32_t in_it = 0;
};

Queue fullest_of(const Facts& facts, ProcessIndex p) {
  Queue queue;
  const auto rows = facts.now.tables.rows_of(p);
  for (std::uint32_t d = rows.first; d < rows.last; ++d) {
    const Socket* socket = facts.now.survey.socket_of(facts.now.survey.descriptors[d]);
    if (socket == nullptr || socket->in_flight <= queue.in_it) continue;
    queue = {DescriptorIndex{d}, socket->in_flight};
  }
  return queue;
}

// A table that was inherited holds the socket too; who has it alone receives.
bool is_first_holder(const Facts& facts, ProcessIndex p, DescriptorIndex d) {
  const auto sharers = facts.now.sharing.holders_of(d);
  return sharers.size() <= 1 || facts.now.row(sharers.front()).process == p;
}

}  // namespace

void find_unreceived_descriptor(const Facts& facts, std::vector<Finding>& found) {
  const Survey& survey = facts.now.survey;
  for (std::uint32_t p = 0; p < survey.processes.size(); ++p) {
    const ProcessIndex index{p};
    const Tracked* tracked = facts.tracked(index);
    if (tracked == nullptr || !facts.earlier(index)) continue;
    const std::uint64_t waiting = tracked->counts[place_of(Measure::kInFlight)];
    if (waiting < kLeastRise) continue;
    const Trend trend = facts.observation.trend(*tracked, Measure::kInFlight, kLeastRise);
    const auto series = facts.observation.series(*tracked, Measure::kInFlight);
    // As many at every look: nobody takes any.
    const bool stands = waiting >= kMany && series.front().count >= kMany &&
                        std::ranges::is_sorted(series, {}, &SeriesPoint::count);
    if (!trend.rises() && !stands) continue;
    const Queue queue = fullest_of(facts, index);
    if (queue.in_it == 0 || !is_first_holder(facts, index, queue.fullest)) continue;
    const std::string who = name_with_pid(survey, index);
    Finding finding;
    finding.id = id::kUnreceivedDescriptor;
    finding.subject = subject_of(survey, index);
    finding.severity = Severity::kWarning;
    finding.confidence = trend.rises() ? 0.95 : 0.85;
    finding.measure = Measure::kInFlight;
    finding.weight = waiting;
    finding.series = series;
    finding.summary =
        fmt::format("{} does not receive {} that were sent to it{}", who,
                    counted(waiting, "descriptor", "descriptors"),
                    trend.rises() ? ", " + rate_text(trend.per_second) : std::string());
    const Descriptor& row = facts.now.row(queue.fullest);
    finding.evidence.push_back({"queue", fmt::format("fd {} {}, {} of them", number(row.fd),
                                                     socket_text(survey, *survey.socket_of(row)),
                                                     human_count(queue.in_it))});
    std::string senders;
    for (const DescriptorIndex other : facts.now.ends.of(queue.fullest).holders) {
      const ProcessIndex sender = facts.now.row(other).process;
      if (sender == index) continue;
      finding.leads_to.push_back(facts.process(sender).key);
      senders += (senders.empty() ? "" : ", ") + name_with_pid(survey, sender);
    }
    if (!senders.empty()) finding.evidence.push_back({"sent by", senders});
    finding.whose_move = who;
    finding.remedy = fmt::format(
        "{} must call recvmsg() and close what it does not want; closing the socket frees them all",
        who);
    found.push_back(std::move(finding));
  }
}

}  // namespace plumb::detect
