// SPDX-License-Identifier: Apache-2.0
// unframed-response: a server answers without a length and without chunks and keeps the connection:
// RFC 9112, section 6.3, says that such a body ends with the connection, which nobody will end.
// Read off captured exchanges; where a proxy did it, what the origin had said stands beside.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "detect/finding/kinds.h"
#include "detect/finding/other_ends.h"
#include "detect/finding/upstream.h"
#include "detect/finding/wording.h"
#include "detect/model/secrets.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 2s;  // a server may close a moment after its last byte
constexpr std::size_t kMostDifferences = 4;

struct Server {
  std::uint64_t answers = 0;
  std::uint64_t unframed = 0;
  const Exchange* example = nullptr;
};

std::string request_text(const Exchange& exchange) {
  if (!exchange.http.request) return "its request came before the capture";
  const auto& request = *exchange.http.request;
  return fmt::format("{} {}", request.method, masked_target(request.target, Secrets::kMask));
}

// "content-length: 26, content-encoding: gzip": what the origin said and the client was not told.
std::string dropped_text(const Exchange& exchange) {
  std::string text;
  std::size_t told = 0;
  for (const FieldDifference& field : exchange.differences) {
    if (!field.upstream || field.downstream || told++ >= kMostDifferences) continue;
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", field.name,
                        masked_value(field.name, *field.upstream, Secrets::kMask));
  }
  return text;
}

std::map<Pid, Server> servers_of(const ExchangeFacts& facts, BootTime now) {
  std::map<Pid, Server> servers;
  for (const Exchange& exchange : facts.exchanges) {
    const Connection& connection = facts.ledger.connection(exchange.connection);
    if (connection.role != Role::kServer || !exchange.http.response) continue;
    Server& server = servers[connection.pid];
    ++server.answers;
    if (exchange.state != FramingState::kUnframed || now - connection.last < kPatience) continue;
    ++server.unframed;
    // One whose other leg was seen tells most.
    const bool better = server.example == nullptr ||
                        (server.example->differences.empty() && !exchange.differences.empty());
    if (better) server.example = &exchange;
  }
  return servers;
}

Finding describe(const Facts& facts, ProcessIndex p, const Server& server) {
  const std::string who = name_with_pid(facts.now.survey, p);
  const auto& response = *server.example->http.response;
  const std::string dropped = dropped_text(*server.example);
  Finding finding;
  finding.id = id::kUnframedResponse;
  finding.subject = subject_of(facts.now.survey, p);
  finding.severity = Severity::kWarning;
  finding.confidence = 0.95;
  finding.measure = measure_of(Kind::kTcp);
  finding.weight = server.unframed;
  finding.summary = fmt::format(
      "{} answers without a length and keeps the connections open: {} of {} answers have no end",
      who, human_count(server.unframed), human_count(server.answers));
  finding.evidence.push_back({"such as", request_text(*server.example)});
  finding.evidence.push_back(
      {"answer", fmt::format("{} {}, {} of a body; no Content-Length, not chunked, no close",
                             response.status, response.reason, human_size(response.content))});
  if (!dropped.empty()) finding.evidence.push_back({"upstream said", dropped});
  const OtherEnds ends = other_ends_of(facts, p, Kind::kTcp);
  for (const auto& party : ends.parties) {
    for (const ProcessIndex holder : party.holders) {
      finding.leads_to.push_back(facts.process(holder).key);
    }
  }
  finding.whose_move = who;
  finding.remedy =
      dropped.empty()
          ? fmt::format("{} must send Content-Length or chunks, or close after the answer", who)
          : fmt::format(
                "upstream had sent {}; {} dropped it and must say the length of what it "
                "sends, or send chunks, or close",
                dropped, who);
  if (const auto upstream = upstream_heard(facts, p)) {
    finding.summary =
        fmt::format("{} passes on answers of {} that have no length and no end: {} of {}", who,
                    upstream->name, human_count(server.unframed), human_count(server.answers));
    pass_on(*upstream, finding);
  }
  return finding;
}

}  // namespace

void find_unframed_response(const Facts& facts, std::vector<Finding>& found) {
  if (facts.http == nullptr) return;
  for (const auto& [pid, server] : servers_of(*facts.http, facts.now.survey.taken)) {
    const auto p = find_process(facts.now.survey, pid);
    if (p && server.example != nullptr) found.push_back(describe(facts, *p, server));
  }
}

}  // namespace plumb::detect
