// SPDX-License-Identifier: Apache-2.0
// idle-clients: a client takes more and more connections of a server, or transactions on them, and
// says nothing on them any more. What piles up at the server, a child or a thread for each, is the
// client's to give back.
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

#include "detect/finding/kinds.h"
#include "detect/finding/quiet.h"
#include "detect/finding/wording.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr std::uint64_t kFewest = 5;      // quiet connections
constexpr std::uint64_t kFewestMore = 3;  // of them, new while observed
constexpr std::uint64_t kFewestInTransaction = 3;
constexpr auto kQuiet = 5s;
constexpr auto kLongTransaction = 10s;   // a client may think meanwhile
constexpr std::size_t kMostClients = 3;  // told of a server

// What a database's child calls itself while its client has begun and does nothing. It is the
// process's own word, and only looked for.
constexpr std::string_view kInTransaction = "idle in transaction";

// The process that listens for whom a connection came: the holder, or who has started it for this
// client alone.
class Listeners {
 public:
  explicit Listeners(const Joined& joined)
      : joined_(joined), ports_(listened_ports(joined.survey)) {
    for (const Descriptor& row : joined.survey.descriptors) {
      const Socket* socket = joined.survey.socket_of(row);
      if (socket == nullptr || socket->state != SocketState::kListen) continue;
      if (row.kind == Kind::kTcp) by_port_.emplace(row.process, socket->local.port);
      if (row.kind == Kind::kUnix)
        by_path_.emplace(row.process, joined.survey.texts.at(socket->path));
    }
  }

  // Whether this end of a connection is a server's.
  bool serves(const Descriptor& row, const Socket& socket) const {
    if (row.kind == Kind::kTcp) return ports_.contains(socket.local.port);
    return row.kind == Kind::kUnix && socket.type != SOCK_DGRAM &&
           !joined_.survey.texts.at(socket.path).empty();
  }

  ProcessIndex server_of(const Descriptor& row, const Socket& socket) const {
    if (listens(row.process, row, socket)) return row.process;
    const Process& child = joined_.survey.process_of(row);
    const auto parent = find_process(joined_.survey, child.parent);
    return parent && listens(*parent, row, socket) ? *parent : row.process;
  }

 private:
  bool listens(ProcessIndex process, const Descriptor& row, const Socket& socket) const {
    if (row.kind == Kind::kTcp) return by_port_.contains({process, socket.local.port});
    return by_path_.contains({process, joined_.survey.texts.at(socket.path)});
  }

  const Joined& joined_;
  std::set<std::uint16_t> ports_;
  std::set<std::pair<ProcessIndex, std::uint16_t>> by_port_;
  std::set<std::pair<ProcessIndex, std::string_view>> by_path_;
};

// A server and one that it serves: a process, or a machine by its address.
struct Pair {
  ProcessKey server;
  ProcessKey client;  // pid 0: on another machine
  std::string address;
  friend auto operator<=>(const Pair&, const Pair&) = default;
};

struct Kept {
  std::vector<DescriptorIndex> ends;  // the server's
  std::set<std::uint64_t> sockets;    // their inodes
};

std::string host_text(const Socket& socket) {
  const std::string text = endpoint_text(socket.remote, socket.ipv6);
  return text.substr(0, text.rfind(':'));
}

std::map<Pair, Kept> pairs_of(const Joined& joined) {
  const Survey& survey = joined.survey;
  const Listeners listeners(joined);
  std::map<Pair, Kept> pairs;
  for (std::uint32_t d = 0; d < survey.descriptors.size(); ++d) {
    const Descriptor& row = survey.descriptors[d];
    const Socket* socket = survey.socket_of(row);
    if (socket == nullptr || socket->state != SocketState::kEstablished) continue;
    if (!listeners.serves(row, *socket)) continue;
    const End end = joined.ends.of(DescriptorIndex{d});
    Pair pair;
    pair.server = survey.processes[number(listeners.server_of(row, *socket))].key;
    if (end.state == EndState::kOutside && row.kind == Kind::kTcp) {
      pair.address = host_text(*socket);
    } else if (end.state == EndState::kHeld && !end.holders.empty()) {
      pair.client = joined.holder(end.holders.front()).key;
    } else {
      continue;
    }
    if (pair.client == pair.server) continue;
    Kept& kept = pairs[pair];
    if (kept.sockets.insert(row.inode).second) kept.ends.push_back(DescriptorIndex{d});
  }
  return pairs;
}

// What one of a server's clients keeps and does not use.
class Client {
 public:
  Client(const Facts& facts, const Pair& pair, const Kept& kept, const Kept* before)
      : facts_(facts), survey_(facts.now.survey), pair_(pair) {
    for (const DescriptorIndex end : kept.ends) take(end);
    for (const std::uint64_t socket : kept.sockets) {
      more_ += before == nullptr || !before->sockets.contains(socket);
    }
    const bool all = before == nullptr || std::ranges::includes(kept.sockets, before->sockets);
    grows_ = more_ >= kFewestMore && all;
    mostly_quiet_ = 2 * quiet_ >= kept.ends.size();
  }

  std::uint64_t quiet() const { return quiet_; }
  bool is_one() const {
    if (quiet_ < kFewest && in_transaction_ < kFewestInTransaction) return false;
    return in_transaction_ >= kFewestInTransaction || (grows_ && mostly_quiet_);
  }

  Finding describe() const {
    const auto server = *find_process(survey_, pair_.server.pid);
    const std::string who = name_with_pid(survey_, server);
    const std::string client = name();
    Finding finding;
    finding.id = id::kIdleClients;
    finding.subject = subject_of(survey_, server);
    finding.severity =
        in_transaction_ >= kFewestInTransaction ? Severity::kWarning : Severity::kInfo;
    finding.confidence = in_transaction_ >= kFewestInTransaction ? 0.95 : 0.85;
    finding.measure = measure_of(facts_.now.row(example_).kind);
    finding.weight = std::max(quiet_, more_);
    const double seconds = std::chrono::duration<double>(facts_.observed()).count();
    finding.summary = fmt::format(
        "{} keeps {} of {} and says nothing on them{}{}", client,
        counted(quiet_, "connection", "connections"), who,
        in_transaction_ == 0
            ? ""
            : fmt::format(": {} of them idle in a transaction", human_count(in_transaction_)),
        grows_ && seconds > 0 ? ", " + rate_text(static_cast<double>(more_) / seconds) : "");
    add_evidence(who, finding);
    if (pair_.client.pid != Pid{}) finding.leads_to.push_back(pair_.client);
    finding.whose_move = client;
    finding.remedy = fmt::format(
        "{} must {}give its connections back when it is done with them; a time limit for idle ones "
        "at {} ends them",
        client, in_transaction_ == 0 ? "" : "end its transactions and ", who);
    return finding;
  }

 private:
  void take(DescriptorIndex end) {
    const Descriptor& row = facts_.now.row(end);
    const Socket& socket = *survey_.socket_of(row);
    if (!nothing_on_the_way(socket)) return;
    const bool child = survey_.process_of(row).key != pair_.server;
    const auto idle = idle_of(survey_, row);
    // The server has had the last word: it waits for the next request.
    if (row.kind == Kind::kTcp && (!idle || *idle < kQuiet || !socket.last_sent ||
                                   socket.last_received.value_or(BootTime{}) > *socket.last_sent)) {
      return;
    }
    if (row.kind == Kind::kUnix && !(child && facts_.waits_all_along(row.process))) return;
    if (quiet_++ == 0) example_ = end;
    children_ += child;
    if (idle) {
      least_ = std::min(least_, *idle);
      most_ = std::max(most_, *idle);
    }
    const bool long_enough =
        idle ? *idle >= kLongTransaction : facts_.observed() >= kLongTransaction;
    if (!child || !long_enough) return;
    const std::string_view title = survey_.texts.at(survey_.process_of(row).command_line);
    in_transaction_ += title.find(kInTransaction) != std::string_view::npos;
  }

  std::string name() const {
    if (pair_.client.pid == Pid{}) return pair_.address;
    const auto process = find_process(survey_, pair_.client.pid);
    return process ? name_with_pid(survey_, *process) : std::string();
  }

  void add_evidence(const std::string& who, Finding& finding) const {
    const Socket& socket = *survey_.socket_of(facts_.now.row(example_));
    finding.evidence.push_back({"such as", socket_text(survey_, socket)});
    if (most_ != nanoseconds{}) {
      finding.evidence.push_back(
          {"quiet", fmt::format("for {} to {}; the last word was {}'s", human_duration(least_),
                                human_duration(most_), who)});
    }
    if (children_ != 0) {
      finding.evidence.push_back(
          {"served by", fmt::format("{} of {}, which wait for the next request",
                                    counted(children_, "child", "children"), who)});
    }
    if (in_transaction_ != 0) {
      finding.evidence.push_back(
          {"transaction", fmt::format("{} of these call themselves \"{}\" for {} and longer",
                                      human_count(in_transaction_), kInTransaction,
                                      human_duration(kLongTransaction))});
    }
    finding.evidence.push_back(
        {"meanwhile",
         fmt::format("{} more in {}, {}", human_count(more_), human_duration(facts_.observed()),
                     grows_ ? "none given back" : "some given back")});
  }

  const Facts& facts_;
  const Survey& survey_;
  const Pair& pair_;
  DescriptorIndex example_{};
  std::uint64_t quiet_ = 0;
  std::uint64_t children_ = 0;        // of the quiet ones, served by a child each
  std::uint64_t in_transaction_ = 0;  // of the quiet ones
  std::uint64_t more_ = 0;            // that were not there at the first look
  bool grows_ = false;
  bool mostly_quiet_ = false;
  nanoseconds least_ = nanoseconds::max();
  nanoseconds most_{};
};

}  // namespace

void find_idle_clients(const Facts& facts, std::vector<Finding>& found) {
  const auto before = pairs_of(facts.first);
  std::map<ProcessKey, std::vector<Finding>> by_server;
  for (const auto& [pair, kept] : pairs_of(facts.now)) {
    if (kept.ends.size() < kFewestInTransaction) continue;
    const auto known = before.find(pair);
    const Client client(facts, pair, kept, known == before.end() ? nullptr : &known->second);
    if (client.is_one()) by_server[pair.server].push_back(client.describe());
  }
  for (auto& [server, findings] : by_server) {
    std::ranges::stable_sort(findings, std::ranges::greater{}, &Finding::weight);
    if (findings.size() > kMostClients) findings.resize(kMostClients);
    std::ranges::move(findings, std::back_inserter(found));
  }
}

}  // namespace plumb::detect
