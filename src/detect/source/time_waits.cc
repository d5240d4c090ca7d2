// SPDX-License-Identifier: Apache-2.0
// One question to each network namespace, for both families.
#include "detect/source/time_waits.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <map>
#include <string>

#include "detect/source/diag_channel.h"
#include "detect/source/socket_diag.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMostNamespaces = 16;

Result<DiagChannel> channel_in(Pid process) {
  if (process == Pid(::getpid())) return DiagChannel::open();
  const std::string path = "/proc/" + std::to_string(number(process)) + "/ns/net";
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail("open", path, errno, "run plumb as root");
  return DiagChannel::open_in(file);
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

void read_time_waits(Survey& survey) {
  if (survey.source == Survey::Source::kProc) return;
  std::map<std::uint32_t, Pid> namespaces;  // a process of each, to enter by
  for (const Process& process : survey.processes) {
    const std::uint32_t net = process.namespaces.net;
    if (net == 0) continue;
    const bool own = process.key.pid == Pid(::getpid());
    if (own) namespaces.insert_or_assign(net, process.key.pid);
    if (!own && (namespaces.size() < kMostNamespaces)) namespaces.try_emplace(net, process.key.pid);
  }
  for (const auto& [net, process] : namespaces) {
    auto channel = channel_in(process);
    const auto done = channel ? read_from(*channel, net, survey) : Result<void>(channel.error());
    if (done) continue;
    survey.blinds.push_back({.what = "closed connections in network namespace " +
                                     std::to_string(net) + ": " + done.error().message(),
                             .remedy = "run plumb as root"});
  }
}

}  // namespace plumb::detect
