// SPDX-License-Identifier: Apache-2.0
// SocketTable: all sockets of all network namespaces that can be asked, found by inode.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "detect/record/survey.h"
#include "detect/source/diag_channel.h"
#include "detect/source/proc_reader.h"

namespace plumb::detect {

// Fills Survey::sockets and its text pool, Survey::losses and Survey::blinds with what could not be
// asked. Must not outlive the survey.
class SocketTable {
 public:
  SocketTable(Survey& survey, const UniqueFd& proc) : survey_(survey), proc_(proc) {}

  // Asks the network namespace in which `pid` lives; `own` is the caller's own. By sock_diag, and
  // table by table from /proc/PID/net where sock_diag does not answer.
  void add_namespace(Pid pid, std::uint32_t inode, bool own);

  std::optional<SocketIndex> find(std::uint64_t inode) const;
  // A socket that is in no table: never bound nor connected, or of a family without a table.
  // `protocol_name` is its extended attribute system.sockprotoname: "TCP", "UNIX-STREAM".
  SocketIndex add_unlisted(std::uint64_t inode, std::string_view protocol_name);

 private:
  void add(Socket socket, std::string_view path = {});
  void add_by_diag(DiagChannel& channel, Pid pid);
  void add_unix(DiagChannel& channel, Pid pid);
  // The fallbacks in text, whole or a table at a time.
  void add_all_text(Pid pid);
  void add_unix_text(Pid pid);
  template <typename Table>
  void add_text(Pid pid, const Table& table);
  template <typename Line>
  void read_text(Pid pid, std::string_view file, Line take_line);
  void point_clients_at_listeners();

  Survey& survey_;
  const UniqueFd& proc_;
  ProcReader reader_;
  std::uint32_t net_namespace_ = 0;  // being asked
  bool vsock_told_ = false;          // that its table is missing
  bool complete_ = true;             // sock_diag answered in every namespace
  std::unordered_map<std::uint64_t, std::uint32_t> by_inode_;
  std::unordered_map<std::uint64_t, SocketId> listener_of_;  // client's inode in a queue → listener
};

// What a protocol name says; family 0 where it is not known.
struct ProtocolName {
  std::uint16_t family = 0;
  std::uint16_t type = 0;
  std::uint16_t protocol = 0;
};
ProtocolName parse_protocol_name(std::string_view name);

}  // namespace plumb::detect
