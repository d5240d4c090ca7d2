// SPDX-License-Identifier: Apache-2.0
// Legs that were heard, and the times of sockets.
#include "detect/finding/upstream.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "detect/finding/quiet.h"
#include "detect/finding/said.h"
#include "detect/finding/wording.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kHeardEnough = 2;
constexpr auto kPatience = 5s;  // an answer may take a while
constexpr auto kQuiet = 10s;
constexpr auto kPassedOn = 1s;  // from the last byte of the origin to the last one to the client
constexpr int kMostHops = 4;

// The sender of the answer is to go on.
bool unended(FramingState state) {
  switch (state) {
    case FramingState::kWaitsForLength:
    case FramingState::kInChunk:
    case FramingState::kUntilClose:
    case FramingState::kUnframed:
    case FramingState::kNoResponse:
    case FramingState::kResponseHead:
      return true;
    default:
      return false;
  }
}

struct Legs {
  std::uint64_t matched = 0;    // answers of the server without an end whose other leg was heard
  std::set<std::string> asked;  // in all answers without an end
  std::uint64_t unended = 0;    // such answers
  std::uint64_t tunnels = 0;    // connections through which it passes what it does not read
  std::vector<const Exchange*> open;  // those other legs, where they have no end either
};

Legs legs_of(const Facts& facts, Pid server) {
  Legs legs;
  if (facts.http == nullptr) return legs;
  std::map<ExchangeId, const Exchange*> by_id;
  for (const Exchange& exchange : facts.http->exchanges) by_id[exchange.id] = &exchange;
  for (const Exchange& exchange : facts.http->exchanges) {
    const Connection& connection = facts.http->ledger.connection(exchange.connection);
    if (connection.role != Role::kServer || connection.pid != server) continue;
    if (connection.closed) continue;
    legs.tunnels += exchange.state == FramingState::kTunnel;
    if (!unended(exchange.state)) continue;
    if (facts.now.survey.taken - connection.last < kPatience) continue;
    ++legs.unended;
    if (const auto& request = exchange.http.request) {
      legs.asked.insert(request->method + " " + request->target);
    }
    const auto leg = exchange.upstream ? by_id.find(*exchange.upstream) : by_id.end();
    if (leg == by_id.end()) continue;
    ++legs.matched;
    if (unended(leg->second->state)) legs.open.push_back(leg->second);
  }
  return legs;
}

struct Party {
  std::string name;
  std::optional<ProcessIndex> process;
};

// Who has the other end of one of the server's own connections.
Party party_of(const Facts& facts, ProcessIndex server, DescriptorIndex own) {
  const Survey& survey = facts.now.survey;
  for (const DescriptorIndex other : facts.now.ends.of(own).holders) {
    const ProcessIndex holder = facts.now.row(other).process;
    if (holder != server) return {name_with_pid(survey, holder), holder};
  }
  const Socket* socket = survey.socket_of(facts.now.row(own));
  return {socket == nullptr ? "" : endpoint_text(socket->remote, socket->ipv6), std::nullopt};
}

Party party_of(const Facts& facts, ProcessIndex server, const Connection& connection) {
  const auto rows = facts.now.tables.rows_of(server);
  for (std::uint32_t d = rows.first; d < rows.last; ++d) {
    const Descriptor& row = facts.now.survey.descriptors[d];
    if (row.socket && row.inode == number(connection.socket)) {
      return party_of(facts, server, DescriptorIndex{d});
    }
  }
  return {endpoint_text(connection.remote, connection.family == AF_INET6), std::nullopt};
}

// The one that most of them are.
class Parties {
 public:
  void add(Party party, const Exchange* heard) {
    Upstream& upstream = by_name_[party.name];
    upstream.name = party.name;
    upstream.process = party.process;
    ++upstream.requests;
    if (heard != nullptr) upstream.heard = heard;
  }
  std::optional<Upstream> most() const {
    const auto most =
        std::ranges::max_element(by_name_, {}, [](const auto& one) { return one.second.requests; });
    return most == by_name_.end() ? std::nullopt : std::optional(most->second);
  }

 private:
  std::map<std::string, Upstream> by_name_;
};

// From the last byte that came from the origin to the last that went to a client; each client is
// taken once. Without clients nothing was passed on.
class PassedOn {
 public:
  PassedOn(const Facts& facts, std::span<const DescriptorIndex> clients) {
    for (const DescriptorIndex client : clients) {
      const Socket* socket = facts.now.survey.socket_of(facts.now.row(client));
      if (socket != nullptr && socket->last_sent) sent_.insert(*socket->last_sent);
    }
  }
  bool take(BootTime received) {
    const auto next = sent_.lower_bound(received);
    if (next == sent_.end() || *next - received > kPassedOn) return false;
    sent_.erase(next);
    return true;
  }

 private:
  std::multiset<BootTime> sent_;
};

// One thing of the same passing on, at once.
bool follows(BootTime later, BootTime earlier) {
  return later >= earlier && later - earlier <= kPassedOn;
}

// The server's own connections towards others that are quiet, with nothing on the way.
std::vector<DescriptorIndex> quiet_requests(const Facts& facts, ProcessIndex server) {
  const Survey& survey = facts.now.survey;
  const auto ports = listened_ports(survey);
  std::vector<DescriptorIndex> own;
  const auto rows = facts.now.tables.rows_of(server);
  for (std::uint32_t d = rows.first; d < rows.last; ++d) {
    const Descriptor& row = survey.descriptors[d];
    const Socket* socket = survey.socket_of(row);
    if (socket == nullptr || row.kind != Kind::kTcp || ports.contains(socket->local.port)) continue;
    const auto quiet = idle_of(survey, row);
    if (!nothing_on_the_way(*socket) || !socket->last_sent || !quiet || *quiet < kQuiet) continue;
    const End end = facts.now.ends.of(DescriptorIndex{d});
    if (!end.holders.empty() && facts.now.row(end.holders.front()).process == server) continue;
    own.push_back(DescriptorIndex{d});
  }
  const auto received = [&](DescriptorIndex d) {
    return survey.socket_of(facts.now.row(d))->last_received.value_or(BootTime{});
  };
  std::ranges::stable_sort(own, {}, received);
  return own;
}

std::optional<Upstream> one_hop(const Facts& facts, ProcessIndex server,
                                std::span<const DescriptorIndex> clients, bool tunnels) {
  PassedOn passed_on(facts, tunnels ? clients : std::span<const DescriptorIndex>());
  Parties parties;
  for (const DescriptorIndex d : quiet_requests(facts, server)) {
    const Socket& socket = *facts.now.survey.socket_of(facts.now.row(d));
    // A connection over which nothing has ever come has no time of its last byte.
    const bool unanswered = !socket.last_received || *socket.last_sent > *socket.last_received;
    if (!unanswered && !passed_on.take(*socket.last_received)) continue;
    parties.add(party_of(facts, server, d), nullptr);
  }
  auto most = parties.most();
  if (most && 2 * most->requests < clients.size()) return std::nullopt;
  return most;
}

// Who waits for another one itself does not have to act: the last one of a row of them does.
Upstream behind(const Facts& facts, ProcessIndex server, Upstream last) {
  for (int hop = 1; hop < kMostHops && last.process; ++hop) {
    std::vector<DescriptorIndex> waiting;  // its ends of what the one before it waits for
    for (const DescriptorIndex d : quiet_requests(facts, server)) {
      for (const DescriptorIndex other : facts.now.ends.of(d).holders) {
        if (facts.now.row(other).process == *last.process) waiting.push_back(other);
      }
    }
    auto next = one_hop(facts, *last.process, waiting, false);
    if (waiting.empty() || !next || next->process == server) break;
    server = *last.process;
    last = *std::move(next);
  }
  return last;
}

std::string to_do(const Upstream& upstream) {
  const FramingState state =
      upstream.heard == nullptr ? FramingState::kNoResponse : upstream.heard->state;
  switch (state) {
    case FramingState::kWaitsForLength:
      return "must send all that it has announced, or close";
    case FramingState::kInChunk:
      return "must send the chunk of size 0 that ends its answer, or close";
    case FramingState::kUnframed:
      return "must say where its answers end (Content-Length, chunked), or close";
    case FramingState::kUntilClose:
      return "has announced to close after its answer, and must";
    default:
      return "must answer or close";
  }
}

}  // namespace

bool tunnels_were_heard(const Facts& facts, ProcessIndex server) {
  return legs_of(facts, facts.process(server).key.pid).tunnels >= kHeardEnough;
}

bool legs_were_heard(const Facts& facts, ProcessIndex server) {
  return legs_of(facts, facts.process(server).key.pid).matched >= kHeardEnough;
}

std::optional<Upstream> upstream_heard(const Facts& facts, ProcessIndex server) {
  const Legs legs = legs_of(facts, facts.process(server).key.pid);
  if (legs.open.size() < kHeardEnough || 2 * legs.open.size() < legs.matched) return std::nullopt;
  Parties parties;
  for (const Exchange* leg : legs.open) {
    parties.add(party_of(facts, server, facts.http->ledger.connection(leg->connection)), leg);
  }
  auto most = parties.most();
  return most ? behind(facts, server, *std::move(most)) : most;
}

std::optional<Upstream> upstream_seen(const Facts& facts, ProcessIndex server,
                                      std::span<const DescriptorIndex> clients) {
  const bool tunnels = tunnels_were_heard(facts, server);
  auto next = one_hop(facts, server, clients, tunnels);
  return next ? behind(facts, server, *std::move(next)) : next;
}

std::optional<Upstream> upstream_shared(const Facts& facts, ProcessIndex server,
                                        std::span<const DescriptorIndex> clients) {
  const Legs legs = legs_of(facts, facts.process(server).key.pid);
  if (legs.unended < kHeardEnough || legs.matched != 0 || legs.asked.size() != 1) {
    return std::nullopt;
  }
  const auto asked = [&](DescriptorIndex d) {
    return facts.now.survey.socket_of(facts.now.row(d))->last_received.value_or(BootTime::max());
  };
  const auto oldest = std::ranges::min_element(clients, {}, asked);
  if (oldest == clients.end()) return std::nullopt;
  const Socket& client = *facts.now.survey.socket_of(facts.now.row(*oldest));
  if (!client.last_received) return std::nullopt;
  for (const DescriptorIndex d : quiet_requests(facts, server)) {
    const Socket& own = *facts.now.survey.socket_of(facts.now.row(d));
    if (!follows(*own.last_sent, *client.last_received)) continue;
    const bool unanswered = !own.last_received || *own.last_sent > *own.last_received;
    const bool passed_on =
        own.last_received && client.last_sent && follows(*client.last_sent, *own.last_received);
    if (!unanswered && !passed_on) continue;
    const Party party = party_of(facts, server, d);
    return behind(facts, server, Upstream{party.name, party.process, 1, nullptr});
  }
  return std::nullopt;
}

void pass_on(const Upstream& upstream, Finding& finding) {
  const std::string who = finding.whose_move;
  std::string what = fmt::format("{}, which has not ended {} of its own", upstream.name,
                                 counted(upstream.requests, "request", "requests"));
  if (upstream.heard != nullptr) what += ": " + exchange_text(*upstream.heard);
  finding.evidence.push_back({"it waits for", std::move(what)});
  finding.whose_move = upstream.name;
  finding.remedy = fmt::format("{} {}; {} should not wait for it without a time limit",
                               upstream.name, to_do(upstream), who);
}

}  // namespace plumb::detect
