// SPDX-License-Identifier: Apache-2.0
// idle-peer-waits: both sides of a connection wait to read, nothing is on the way, and neither will
// write: each waits for the other. The client is the side whose port is not listened on; where the
// last bytes came from the server, the client has an answer whose end it cannot see.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "detect/finding/kinds.h"
#include "detect/finding/quiet.h"
#include "detect/finding/said.h"
#include "detect/finding/upstream.h"
#include "detect/finding/wording.h"
#include "detect/model/wait.h"
#include "detect/model/wait_graph.h"
#include "detect/model/waiting.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr auto kQuietElsewhere = 30s;  // where the server sleeps in something else than a read
constexpr auto kQuiet = 10s;
constexpr auto kLongQuiet = 40s;  // then longer looking tells nothing new: a poll comes in 30 s
constexpr double kAsStatesTell = 0.84;
constexpr std::uint64_t kHeardEnough = 2;  // exchanges that were heard not to end

struct Waiters {
  std::vector<ProcessIndex> clients;  // each once
  std::uint64_t connections = 0;      // of all clients
  bool elsewhere = false;             // the server waits to read from nobody
  std::vector<DescriptorIndex> ends;  // the server's
  std::uint64_t answered = 0;
  std::chrono::nanoseconds least_quiet = std::chrono::nanoseconds::max();
  std::chrono::nanoseconds most_quiet{};
  DescriptorIndex example{};
};

// Whether most of them have got something.
bool answered(const Waiters& waiters) {
  return 2 * waiters.answered > waiters.connections;
}

bool reads_or_waits(std::string_view call) {
  return call.find("poll") != std::string_view::npos ||
         call.find("select") != std::string_view::npos ||
         call.find("recv") != std::string_view::npos || call.starts_with("read") ||
         call == "epoll_wait";
}

// The one connection that the process's leader waits for: in its call's argument, or its only one.
std::optional<DescriptorIndex> awaited_by_leader(const Facts& facts, ProcessIndex p) {
  const BlockingCall* call = leader_call(facts.now.survey, facts.process(p));
  if (call == nullptr) return std::nullopt;
  const Wait wait = wait_of(*call);
  if (!reads_or_waits(wait.call)) return std::nullopt;
  if (wait.fd && !wait.many) return facts.now.tables.find(p, *wait.fd);
  if (!wait.many) return std::nullopt;
  std::optional<DescriptorIndex> only;
  const auto rows = facts.now.tables.rows_of(p);
  for (std::uint32_t d = rows.first; d < rows.last; ++d) {
    const Socket* socket = facts.now.survey.socket_of(facts.now.survey.descriptors[d]);
    if (facts.now.survey.descriptors[d].kind != Kind::kTcp || socket == nullptr) continue;
    if (socket->state == SocketState::kListen || only) return std::nullopt;
    only = DescriptorIndex{d};
  }
  return only;
}

// Those that threads wait for, where threads pile up; without that each may be one that is told of
// news when there are any.
std::vector<DescriptorIndex> awaited(const Facts& facts, ProcessIndex p) {
  constexpr std::uint64_t kMoreThreads = 5;
  std::vector<DescriptorIndex> all;
  if (const auto one = awaited_by_leader(facts, p)) all.push_back(*one);
  const Tracked* tracked = facts.tracked(p);
  if (tracked == nullptr ||
      !facts.observation.trend(*tracked, Measure::kThreads, kMoreThreads).rises()) {
    return all;
  }
  const Process& process = facts.process(p);
  for (std::uint32_t t = 0; t < process.listed_threads; ++t) {
    const Thread& thread = facts.now.survey.threads[process.first_thread + t];
    const Wait wait = thread.waits_in ? wait_of(*thread.waits_in) : Wait{};
    if (!reads_or_waits(wait.call) || !wait.fd || wait.many) continue;
    const auto d = facts.now.tables.find(p, *wait.fd);
    if (d && std::ranges::count(all, *d) == 0) all.push_back(*d);
  }
  return all;
}

bool sleeps_to_read(const Facts& facts, ProcessIndex p) {
  const Process& process = facts.process(p);
  for (std::uint32_t t = 0; t < process.listed_threads; ++t) {
    const Thread& thread = facts.now.survey.threads[process.first_thread + t];
    if (thread.waits_in && reads_or_waits(wait_of(*thread.waits_in).call)) return true;
  }
  return process.listed_threads == 0;
}

// Whether nobody in it runs: it goes on with nothing.
bool sleeps(const Facts& facts, ProcessIndex p) {
  const Process& process = facts.process(p);
  for (std::uint32_t t = 0; t < process.listed_threads; ++t) {
    if (!facts.now.survey.threads[process.first_thread + t].waits_in) return false;
  }
  return process.listed_threads > 0;
}

// What was heard of the exchanges says what is missing.
void add_what_was_said(const Facts& facts, ProcessIndex server, const std::string& clients,
                       Finding& finding) {
  const Unended heard = unended_of(facts, facts.process(server).key.pid);
  if (heard.exchanges < kHeardEnough) return;
  const std::string who = name_with_pid(facts.now.survey, server);
  finding.confidence = 0.95;
  finding.evidence.push_back({"heard", exchange_text(*heard.example)});
  switch (heard.state) {
    case FramingState::kWaitsForLength:
      finding.summary =
          fmt::format("{} sends less than the Content-Length that it names: {} wait for the rest",
                      who, clients);
      finding.remedy = fmt::format("{} must send all that it has announced, or close", who);
      return;
    case FramingState::kInChunk:
      finding.summary = fmt::format(
          "{} does not end its chunked answers: {} wait for the last chunk", who, clients);
      finding.remedy =
          fmt::format("{} must send the chunk of size 0 that ends them, or close", who);
      return;
    default:
      finding.remedy =
          fmt::format("{} must answer or close; who asks should have a time limit", who);
      return;
  }
}

// By what was heard on both of its sides, else by its sockets. A proxy waits with an epoll for many
// connections, so its call tells nothing.
std::optional<Upstream> upstream_of(const Facts& facts, ProcessIndex server,
                                    const Waiters& waiters) {
  auto heard = upstream_heard(facts, server);
  if (heard || legs_were_heard(facts, server)) return heard;
  if (!answered(waiters) || tunnels_were_heard(facts, server)) {
    if (auto seen = upstream_seen(facts, server, waiters.ends)) return seen;
  }
  return upstream_shared(facts, server, waiters.ends);
}

// Who waits for another one itself does not have to act.
void pass_on(const Facts& facts, ProcessIndex server, const Waiters& waiters,
             const std::string& clients, Finding& finding) {
  const auto upstream = upstream_of(facts, server, waiters);
  if (!upstream) return;
  if (answered(waiters)) {
    finding.summary = fmt::format("{} passes on answers that {} does not end: {} wait",
                                  finding.whose_move, upstream->name, clients);
  }
  pass_on(*upstream, finding);
}

// "curl(812)", "24 threads of api(812)", "990 curl".
std::string clients_text(const Facts& facts, const Waiters& waiters) {
  const Survey& survey = facts.now.survey;
  const std::string first = name_with_pid(survey, waiters.clients.front());
  if (waiters.connections == 1) return first;
  if (waiters.clients.size() == 1) {
    return fmt::format("{} threads of {}", human_count(waiters.connections), first);
  }
  return fmt::format("{} {}", human_count(waiters.clients.size()),
                     survey.texts.at(facts.process(waiters.clients.front()).name));
}

Finding describe(const Facts& facts, ProcessIndex server, const Waiters& waiters) {
  const Survey& survey = facts.now.survey;
  const std::string who = name_with_pid(survey, server);
  const Process& client = facts.process(waiters.clients.front());
  const std::string clients = clients_text(facts, waiters);
  const bool has_answered = answered(waiters);
  Finding finding;
  finding.id = id::kIdlePeerWaits;
  finding.subject = subject_of(survey, server);
  finding.severity = Severity::kInfo;  // an effect makes it more
  finding.confidence = waiters.most_quiet >= kLongQuiet ? kAsStatesTell : has_answered ? 0.8 : 0.7;
  finding.measure = measure_of(Kind::kTcp);
  finding.weight = waiters.connections;
  finding.summary =
      waiters.elsewhere ? fmt::format("{} has {} {} and does not go on", who,
                                      has_answered ? "begun to answer" : "not answered", clients)
      : has_answered
          ? fmt::format(
                "{} answered {} and keeps the connections open: each waits for the other "
                "to go on",
                who, clients)
          : fmt::format("{} has not answered {}: each waits for the other", who, clients);
  const Socket& socket = *survey.socket_of(facts.now.row(waiters.example));
  finding.evidence.push_back({"such as", socket_text(survey, socket)});
  finding.evidence.push_back(
      {"on the way",
       waiters.elsewhere
           ? "nothing: both queues of both sides are empty; every thread of the server sleeps"
           : "nothing: both queues of both sides are empty, both sides wait to read"});
  finding.evidence.push_back(
      {"quiet", fmt::format("for {} to {}", human_duration(waiters.least_quiet),
                            human_duration(waiters.most_quiet))});
  finding.evidence.push_back(
      {"last to write", has_answered
                            ? fmt::format("{}: the client waits for the end of what it has", who)
                            : std::string("the client: its request has no answer")});
  for (const ProcessIndex one : waiters.clients) finding.leads_to.push_back(facts.process(one).key);
  finding.whose_move = who;
  finding.remedy =
      has_answered ? fmt::format(
                         "{} must say where an answer ends (Content-Length, chunked) or close "
                         "the connection; {} should not wait without a time limit",
                         who, survey.texts.at(client.name))
                   : fmt::format("{} must answer or close; {} should not wait without a time limit",
                                 who, survey.texts.at(client.name));
  add_what_was_said(facts, server, clients, finding);
  pass_on(facts, server, waiters, clients, finding);
  return finding;
}

// "read of fd 3, a pipe": which of its pipes is full or empty is half of the answer.
std::string wait_text(const Facts& facts, ProcessIndex p, const Wait& wait) {
  std::string text(wait.call);
  if (!wait.fd) return text;
  text += fmt::format(" of fd {}", number(*wait.fd));
  const auto row = facts.now.tables.find(p, *wait.fd);
  return row ? text + fmt::format(" ({})", name_of(facts.now.row(*row).kind)) : text;
}

// A ring of processes, each of which waits for the next one and for nobody else: none can go on.
Finding describe_ring(const Facts& facts, const std::vector<ProcessIndex>& ring) {
  const Survey& survey = facts.now.survey;
  std::string names;
  for (std::size_t m = 0; m < ring.size(); ++m) {
    names += (m == 0 ? "" : m + 1 == ring.size() ? " and " : ", ") + name_with_pid(survey, ring[m]);
  }
  Finding finding;
  finding.id = id::kIdlePeerWaits;
  finding.subject = subject_of(survey, ring.front());
  finding.severity = Severity::kWarning;
  finding.confidence = 0.9;
  finding.weight = ring.size();
  finding.summary = fmt::format("{} wait for each other: none of them can go on", names);
  const WaitGraph graph(facts.now);
  for (const ProcessIndex member : ring) {
    const auto threads = graph.threads_of(member);
    if (threads.empty()) continue;
    finding.evidence.push_back(
        {name_with_pid(survey, member), fmt::format("waits in {}, at every look for {}",
                                                    wait_text(facts, member, threads.front().wait),
                                                    human_duration(facts.observed()))});
    finding.leads_to.push_back(facts.process(member).key);
  }
  finding.whose_move = names;
  finding.remedy = fmt::format(
      "one of them must not wait without a time limit; ending {} lets the others see the end",
      name_with_pid(survey, ring.front()));
  return finding;
}

void find_rings(const Facts& facts, std::vector<Finding>& found) {
  const WaitGraph graph(facts.now);
  std::set<ProcessIndex> told;
  for (std::uint32_t p = 0; p < facts.now.survey.processes.size(); ++p) {
    if (graph.can_go_on(ProcessIndex{p}) || told.contains(ProcessIndex{p})) continue;
    const auto ring = graph.ring_of(ProcessIndex{p});
    const bool known = std::ranges::any_of(ring, [&](ProcessIndex m) { return told.contains(m); });
    told.insert(ring.begin(), ring.end());
    const bool lasts =
        std::ranges::all_of(ring, [&](ProcessIndex m) { return facts.waits_all_along(m); });
    if (!known && lasts && ring.size() >= 2) found.push_back(describe_ring(facts, ring));
  }
}

// 0: no connection.
std::uint16_t local_port(const Survey& survey, const Descriptor& row) {
  const Socket* socket = survey.socket_of(row);
  return socket == nullptr ? std::uint16_t{0} : socket->local.port;
}

// The client's connection, to those of the server that has its other end, where both wait.
void add(const Facts& facts, DescriptorIndex d, std::map<ProcessIndex, Waiters>& servers) {
  const Survey& survey = facts.now.survey;
  const Descriptor& own = facts.now.row(d);
  const Socket* socket = survey.socket_of(own);
  if (socket == nullptr || own.kind != Kind::kTcp || !nothing_on_the_way(*socket)) return;
  const auto quiet = idle_of(survey, own);
  const End end = facts.now.ends.of(d);
  if (!quiet || *quiet < kQuiet || end.state != EndState::kHeld || end.holders.empty()) return;
  const Descriptor& other = facts.now.row(end.holders.front());
  const Socket* peer = survey.socket_of(other);
  if (peer == nullptr || !nothing_on_the_way(*peer) || other.process == own.process) return;
  const bool elsewhere = !sleeps_to_read(facts, other.process);
  if (elsewhere && (*quiet < kQuietElsewhere || !sleeps(facts, other.process))) return;
  Waiters& waiters = servers[other.process];
  if (waiters.clients.empty() || waiters.clients.back() != own.process) {
    waiters.clients.push_back(own.process);
  }
  ++waiters.connections;
  waiters.elsewhere |= elsewhere;
  waiters.ends.push_back(end.holders.front());
  waiters.answered +=
      socket->last_received && socket->last_sent && *socket->last_received >= *socket->last_sent;
  waiters.least_quiet = std::min(waiters.least_quiet, *quiet);
  waiters.most_quiet = std::max(waiters.most_quiet, *quiet);
  waiters.example = d;
}

}  // namespace

void find_idle_peer_waits(const Facts& facts, std::vector<Finding>& found) {
  const Survey& survey = facts.now.survey;
  const auto ports = listened_ports(survey);
  std::map<ProcessIndex, Waiters> servers;
  for (std::uint32_t p = 0; p < survey.processes.size(); ++p) {
    for (const DescriptorIndex d : awaited(facts, ProcessIndex{p})) {
      if (!ports.contains(local_port(survey, facts.now.row(d)))) add(facts, d, servers);
    }
  }
  for (const auto& [server, waiters] : servers) {
    found.push_back(describe(facts, server, waiters));
  }
  find_rings(facts, found);
}

}  // namespace plumb::detect
