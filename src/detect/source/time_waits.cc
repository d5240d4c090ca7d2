// SPDX-License-Identifier: Apache-2.0
// One question to each network namespace, for both families.
#include "detect/source/time_waits.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "detect/source/diag_channel.h"
#include "detect/source/net_namespace.h"
#include "detect/source/socket_diag.h"
#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMostNamespaces = 16;

Result<DiagChannel> channel_in(Pid process) {
  if (process == Pid(::getpid())) return DiagChannel::open();
  const auto net = open_net_namespace(process);
  if (!net) return net.error();
  return DiagChannel::open_in(*net);
}

// How many there are; nothing where that cannot be read.
std::optional<std::uint64_t> count_in(Pid process) {
  constexpr std::size_t kMost = 4096;
  const auto text = read_file("/proc/" + std::to_string(number(process)) + "/net/sockstat", kMost);
  if (!text) return std::nullopt;
  std::string_view rest = *text;
  const auto tcp = rest.find("TCP:");
  const auto at = tcp == std::string_view::npos ? tcp : rest.find(" tw ", tcp);
  if (at == std::string_view::npos) return std::nullopt;
  rest.remove_prefix(at + 4);
  return parse_number<std::uint64_t>(take_word(rest));
}

Result<void> read_from(DiagChannel& channel, std::uint32_t net_namespace, Survey& survey) {
  for (const std::uint8_t family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
    auto asked = channel.dump_tcp(family, 1U << TCP_TIME_WAIT, [&](Bytes message) {
      auto socket = parse_inet_diag(message, IPPROTO_TCP, survey.taken);
      if (!socket) return;
      socket->net_namespace = net_namespace;
      survey.sockets.push_back(*socket);
    });
    // A kernel without IPv6 has no such table.
    if (!asked && asked.error().code != ENOENT) return asked;
  }
  return {};
}

}  // namespace

void read_time_waits(Survey& survey, std::uint64_t least) {
  if (survey.source == Survey::Source::kProc) return;
  std::map<std::uint32_t, std::uint64_t> held;  // sockets of TCP in each namespace
  for (const Socket& socket : survey.sockets)
    held[socket.net_namespace] += socket.protocol == IPPROTO_TCP;
  std::map<std::uint32_t, Pid> namespaces;  // a process of each, to enter by
  for (const Process& process : survey.processes) {
    const std::uint32_t net = process.namespaces.net;
    if (net == 0) continue;
    const bool own = process.key.pid == Pid(::getpid());
    if (own) namespaces.insert_or_assign(net, process.key.pid);
    if (!own && (namespaces.size() < kMostNamespaces)) namespaces.try_emplace(net, process.key.pid);
  }
  for (const auto& [net, process] : namespaces) {
    const auto waiting = count_in(process);
    if (waiting && *waiting + held[net] < least) continue;
    auto channel = channel_in(process);
    const auto done = channel ? read_from(*channel, net, survey) : Result<void>(channel.error());
    if (done) continue;
    survey.blinds.push_back({.what = "closed connections in network namespace " +
                                     std::to_string(net) + ": " + done.error().message(),
                             .remedy = "run plumb as root"});
  }
}

}  // namespace plumb::detect
