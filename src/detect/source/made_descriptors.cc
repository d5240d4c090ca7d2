// SPDX-License-Identifier: Apache-2.0
// Reading what calls wrote.
#include "detect/source/made_descriptors.h"

#include <asm/unistd_64.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>

namespace plumb::detect {
namespace {

constexpr std::size_t kMostControl = 4096;  // SCM_MAX_FD is 253: 1,036 bytes
constexpr std::int32_t kPidfdMessage = 4;   // SCM_PIDFD, Linux 6.5

bool read(Pid process, std::uint64_t from, void* bytes, std::size_t size) {
  iovec into{bytes, size};
  iovec there{reinterpret_cast<void*>(from), size};  // an address of another process
  return ::process_vm_readv(number(process), &into, 1, &there, 1, 0) == static_cast<ssize_t>(size);
}

// The message's control data, as many bytes as the kernel says that there are.
std::optional<std::string> control_of(const ChosenCall& call) {
  msghdr message{};
  if (!read(call.pid, call.arguments[1], &message, sizeof(message))) return std::nullopt;
  if (message.msg_control == nullptr || message.msg_controllen > kMostControl) return std::nullopt;
  std::string control(message.msg_controllen, '\0');
  const auto from = reinterpret_cast<std::uint64_t>(message.msg_control);
  if (!read(call.pid, from, control.data(), control.size())) return std::nullopt;
  return control;
}

std::vector<std::int32_t> pair_of(const ChosenCall& call) {
  std::array<std::int32_t, 2> pair{};
  const auto at = call.arguments[call.call == __NR_socketpair ? 3 : 0];
  if (!read(call.pid, at, pair.data(), sizeof(pair))) return {};
  return {pair.begin(), pair.end()};
}

}  // namespace

std::vector<std::int32_t> passed_descriptors(std::string_view control) {
  std::vector<std::int32_t> found;
  while (control.size() >= sizeof(cmsghdr)) {
    cmsghdr head{};
    std::memcpy(&head, control.data(), sizeof(head));
    if (head.cmsg_len < sizeof(head) || head.cmsg_len > control.size()) break;
    const bool passes = head.cmsg_level == SOL_SOCKET &&
                        (head.cmsg_type == SCM_RIGHTS || head.cmsg_type == kPidfdMessage);
    for (std::size_t at = sizeof(head); passes && at + 4 <= head.cmsg_len; at += 4) {
      std::int32_t fd = 0;
      std::memcpy(&fd, control.data() + at, sizeof(fd));
      found.push_back(fd);
    }
    const std::size_t aligned = (head.cmsg_len + 7) & ~std::size_t{7};
    control.remove_prefix(std::min(aligned, control.size()));
  }
  return found;
}

bool makes_none(const ChosenCall& call) {
  if (made_by(call.call) != MadeBy::kMessage) return false;
  msghdr message{};
  return read(call.pid, call.arguments[1], &message, sizeof(message)) &&
         message.msg_controllen < sizeof(cmsghdr);
}

std::vector<std::int32_t> made_descriptors(const ChosenCall& call) {
  if (call.result < 0) return {};
  const auto result = static_cast<std::int32_t>(call.result);
  const auto first = static_cast<std::int32_t>(call.arguments[0]);
  switch (made_by(call.call)) {
    case MadeBy::kNothing:
      return {};
    case MadeBy::kResult: {
      // signalfd(2) of a descriptor that there is changes it.
      const bool changes = call.call == __NR_signalfd || call.call == __NR_signalfd4;
      if (changes && first == result) return {};
      return {result};
    }
    case MadeBy::kDup:
      if (first == result) return {};
      return {result};
    case MadeBy::kPair:
      return pair_of(call);
    case MadeBy::kMessage:
      return passed_descriptors(control_of(call).value_or(std::string()));
  }
  return {};
}

}  // namespace plumb::detect
