// SPDX-License-Identifier: Apache-2.0
// connection-to-nowhere: bytes sent that nobody acknowledges any more, and nothing heard for long:
// the peer has gone without a word (power, network, firewall).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "detect/finding/kinds.h"
#include "detect/finding/wording.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr auto kSilent = 30s;
constexpr auto kNeverHeard = 20s;  // of who only listens, nothing comes but acknowledgements
constexpr auto kBackedOff = 2s;    // a peer that acknowledges is sent to more often than that
constexpr std::uint32_t kLeastWindow = 1024;  // half of the smallest buffer (SOCK_MIN_RCVBUF)
constexpr auto kAlone = 10s;  // where the other end would be on this machine, its absence is proof

struct Lost {
  std::uint64_t all = 0;
  std::uint64_t unsent = 0;  // with bytes that were not acknowledged
  std::chrono::nanoseconds oldest{};
  std::optional<SocketIndex> example;
};

using Address = std::array<std::uint8_t, 16>;
using Connection = std::tuple<std::uint32_t, Address, std::uint16_t, Address, std::uint16_t>;

// As IPv6 writes it, ::ffff:a.b.c.d: one side of a connection may be of either family.
Address mapped(const Socket& socket, const IpEndpoint& endpoint) {
  if (socket.ipv6) return endpoint.address;
  Address address{};
  address[10] = address[11] = 0xff;
  std::copy_n(endpoint.address.begin(), 4, address.begin() + 12);
  return address;
}

// Every TCP socket by its addresses, whoever holds it.
std::set<Connection> connections_of(const Survey& survey) {
  std::set<Connection> all;
  for (const Socket& socket : survey.sockets) {
    all.emplace(socket.net_namespace, mapped(socket, socket.local), socket.local.port,
                mapped(socket, socket.remote), socket.remote.port);
  }
  return all;
}

// Connected over loopback, so that its end would be on this machine; and no socket is that end.
bool without_peer(const std::set<Connection>& all, const Socket& socket) {
  if (socket.state != SocketState::kEstablished || socket.remote.port == 0) return false;
  if (socket.local.address != socket.remote.address) return false;
  // Where bytes are unread the other end may be closed, and its last ones wait for room here.
  if (socket.receive_queue.value_or(0) > 0) return false;
  return !all.contains({socket.net_namespace, mapped(socket, socket.remote), socket.remote.port,
                        mapped(socket, socket.local), socket.local.port});
}

// Whoever has the other end on this machine, perhaps in another network, has room for more than it
// got: what is sent does not arrive there. A receive buffer that is full would mean that it does,
// and that nobody reads.
bool arrives(const Facts& facts, DescriptorIndex row) {
  const Survey& survey = facts.now.survey;
  const End end = facts.now.ends.of(row);
  if (end.state != EndState::kHeld) return false;
  return std::ranges::none_of(end.holders, [&](DescriptorIndex holder) {
    const Socket* other = survey.socket_of(survey.descriptors[number(holder)]);
    return other != nullptr && other->receive_queue.value_or(kLeastWindow) < kLeastWindow;
  });
}

// The kernel tells of times to its tick, in milliseconds before the look.
bool same_moment(std::optional<BootTime> a, std::optional<BootTime> b) {
  if (!a || !b) return !a && !b;
  return std::chrono::abs(*a - *b) < 500ms;
}

std::chrono::nanoseconds silence_of(const Facts& facts, const Socket& socket) {
  const BootTime now = facts.now.survey.taken;
  return socket.last_received ? now - *socket.last_received : facts.observed();
}

// Bytes wait for an acknowledgement, and nothing has come for so long. They are sent again, less
// and less often; a download that is slow is sent to all the time.
bool unacknowledged(const Facts& facts, const Socket& socket, const Survey& earlier) {
  if (socket.state != SocketState::kEstablished || socket.send_queue.value_or(0) == 0) return false;
  const BootTime now = facts.now.survey.taken;
  if (socket.last_sent && now - *socket.last_sent < kBackedOff) return false;
  if (silence_of(facts, socket) < (socket.last_received ? kSilent : kNeverHeard)) return false;
  for (const Socket& before : earlier.sockets) {
    if (before.id != socket.id || before.inode != socket.inode) continue;
    const std::uint32_t waited = before.send_queue.value_or(0);
    return waited > 0 && socket.send_queue.value_or(0) >= waited &&
           same_moment(before.last_received, socket.last_received);
  }
  return false;
}

}  // namespace

void find_connection_to_nowhere(const Facts& facts, std::vector<Finding>& found) {
  const Survey& survey = facts.now.survey;
  const auto all = connections_of(survey);
  std::map<std::uint32_t, Lost> by_process;
  for (std::uint32_t d = 0; d < survey.descriptors.size(); ++d) {
    const Descriptor& row = survey.descriptors[d];
    const Socket* socket = survey.socket_of(row);
    if (row.kind != Kind::kTcp || socket == nullptr) continue;
    const auto idle = idle_of(survey, row).value_or(0s);
    const bool alone = idle >= kAlone && without_peer(all, *socket);
    const bool unsent =
        unacknowledged(facts, *socket, facts.first.survey) && !arrives(facts, DescriptorIndex{d});
    if (!alone && !unsent) continue;
    Lost& lost = by_process[number(row.process)];
    ++lost.all;
    lost.unsent += unsent;
    lost.oldest = std::max(lost.oldest, unsent ? silence_of(facts, *socket) : idle);
    lost.example = row.socket;
  }
  for (const auto& [p, lost] : by_process) {
    const ProcessIndex index{p};
    const std::string who = name_with_pid(survey, index);
    const Socket& example = survey.sockets[number(*lost.example)];
    Finding finding;
    finding.id = id::kConnectionToNowhere;
    finding.subject = subject_of(survey, index);
    finding.severity = Severity::kWarning;
    finding.confidence = 0.85;
    finding.weight = lost.all;
    finding.measure = measure_of(Kind::kTcp);
    finding.summary = fmt::format("{} keeps {} whose other end is gone", who,
                                  counted(lost.all, "connection", "connections"));
    finding.evidence.push_back({"such as", socket_text(survey, example)});
    finding.evidence.push_back({"quiet", "the oldest for " + human_duration(lost.oldest)});
    if (lost.unsent > 0) {
      finding.evidence.push_back(
          {"unacknowledged", fmt::format("{} in the example; nothing comes back",
                                         human_size(example.send_queue.value_or(0)))});
    }
    finding.whose_move = who;
    finding.remedy = fmt::format(
        "{} should ask for keep-alives (SO_KEEPALIVE, TCP_USER_TIMEOUT) or close what is idle",
        who);
    found.push_back(std::move(finding));
  }
}

}  // namespace plumb::detect
