// SPDX-License-Identifier: Apache-2.0
// listener-gone: accepted connections live on at a port where nobody listens any more. Seen without
// any history: a server that has lost its listener and does not know it.
#include <fmt/format.h>

#include <map>
#include <set>
#include <tuple>

#include "detect/finding/kinds.h"
#include "detect/finding/wording.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kSure = 2;  // connections: one may have been made by a bind before connect

struct Left {
  std::set<std::uint16_t> clients;  // their ports: a duplicate of a descriptor is no other client
  const Socket* example = nullptr;
};

bool ephemeral(const Facts& facts, std::uint16_t port) {
  return port >= facts.ephemeral.first && port <= facts.ephemeral.last;
}

}  // namespace

void find_listener_gone(const Facts& facts, std::vector<Finding>& found) {
  const Survey& survey = facts.now.survey;
  std::set<std::pair<std::uint32_t, std::uint16_t>> listening;
  for (const Socket& socket : survey.sockets) {
    if (socket.state == SocketState::kListen) {
      listening.emplace(socket.net_namespace, socket.local.port);
    }
  }
  std::map<std::tuple<std::uint32_t, std::uint16_t>, Left> left;
  for (const Descriptor& row : survey.descriptors) {
    const Socket* socket = survey.socket_of(row);
    if (row.kind != Kind::kTcp || socket == nullptr) continue;
    if (socket->state != SocketState::kEstablished && socket->state != SocketState::kCloseWait)
      continue;
    if (listening.contains({socket->net_namespace, socket->local.port})) continue;
    if (!ephemeral(facts, socket->remote.port)) continue;
    Left& one = left[{number(row.process), socket->local.port}];
    one.clients.insert(socket->remote.port);
    one.example = socket;
  }
  // The server's side: a client's port is taken from the ephemeral range and is its alone.
  std::erase_if(left, [&](const auto& one) {
    return ephemeral(facts, std::get<1>(one.first)) && one.second.clients.size() < kSure;
  });
  for (const auto& [key, one] : left) {
    const auto [p, port] = key;
    const ProcessIndex index{p};
    const std::string who = name_with_pid(survey, index);
    Finding finding;
    finding.id = id::kListenerGone;
    finding.subject = subject_of(survey, index);
    finding.severity = one.clients.size() >= kSure ? Severity::kWarning : Severity::kInfo;
    finding.confidence = one.clients.size() >= kSure ? 0.85 : 0.5;
    finding.weight = one.clients.size();
    finding.measure = measure_of(Kind::kTcp);
    finding.summary = fmt::format("nobody listens on :{} any more, where {} still has {}", port,
                                  who, counted(one.clients.size(), "client", "clients"));
    finding.evidence.push_back({"such as", socket_text(survey, *one.example)});
    finding.evidence.push_back(
        {"process", fmt::format("{} old", human_duration(age_of(survey, facts.process(index))))});
    finding.whose_move = who;
    finding.remedy =
        fmt::format("restart {}; plumb explain {} from its start on shows who closes the listener",
                    who, survey.texts.at(facts.process(index).name));
    found.push_back(std::move(finding));
  }
}

}  // namespace plumb::detect
