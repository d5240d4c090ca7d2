// SPDX-License-Identifier: Apache-2.0
// Datagrams of marks.
#include "detect/source/mark_socket.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kPrefix = "plumb/marks/";
constexpr std::string_view kMagic = "plumb-mark";
constexpr std::string_view kVersion = "1";
constexpr std::size_t kMostListeners = 64;
constexpr std::size_t kLongestTable = 16 * 1024 * 1024;
constexpr auto kOldest = 10s;  // of a time that a sender may claim

struct Address {
  sockaddr_un address{};
  socklen_t size = 0;
};

Address abstract(std::string_view name) {
  Address made;
  made.address.sun_family = AF_UNIX;
  name = name.substr(0, sizeof(made.address.sun_path) - 1);
  std::memcpy(made.address.sun_path + 1, name.data(), name.size());
  made.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return made;
}

Result<UniqueFd> open_socket() {
  return UniqueFd::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
}

}  // namespace

std::string encode_mark(const Mark& mark) {
  std::string text(kMagic);
  text.append(" ").append(kVersion);
  text.append(mark.what == Mark::What::kStart ? " start " : " stop ");
  text.append(std::to_string(mark.time.time_since_epoch().count())).append(" ");
  return text.append(mark.name, 0, kLongestName);
}

std::optional<Mark> decode_mark(std::string_view datagram, BootTime now) {
  if (datagram.size() > kLongestMark) return std::nullopt;
  if (take_word(datagram) != kMagic || take_word(datagram) != kVersion) return std::nullopt;
  const std::string_view what = take_word(datagram);
  if (what != "start" && what != "stop") return std::nullopt;
  const auto time = parse_number<std::int64_t>(take_word(datagram));
  const std::string_view name = trim(datagram);
  if (!time || name.empty() || name.size() > kLongestName) return std::nullopt;
  Mark mark;
  mark.what = what == "start" ? Mark::What::kStart : Mark::What::kStop;
  mark.name = name;
  const BootTime claimed{std::chrono::nanoseconds(*time)};
  mark.time = claimed <= now && claimed >= now - kOldest ? claimed : now;
  return mark;
}

std::vector<std::string> mark_listeners(std::string_view table) {
  std::vector<std::string> names;
  while (!table.empty() && names.size() < kMostListeners) {
    const std::string_view line = take_until(table, '\n');
    const auto at = line.find(" @");
    if (at == std::string_view::npos) continue;
    const std::string_view name = line.substr(at + 2);
    if (name.starts_with(kPrefix)) names.emplace_back(name);
  }
  return names;
}

Result<std::size_t> send_mark(const Mark& mark) {
  const auto table = read_file("/proc/net/unix", kLongestTable);
  if (!table) return table.error();
  const auto listeners = mark_listeners(*table);
  if (listeners.empty()) return std::size_t{0};
  const auto socket = open_socket();
  if (!socket) return socket.error();
  const std::string datagram = encode_mark(mark);
  std::size_t took = 0;
  for (const std::string& name : listeners) {
    const Address to = abstract(name);
    const auto sent = ::sendto(socket->get(), datagram.data(), datagram.size(), MSG_NOSIGNAL,
                               reinterpret_cast<const sockaddr*>(&to.address), to.size);
    took += sent == static_cast<ssize_t>(datagram.size());
  }
  return took;
}

Result<MarkSocket> MarkSocket::open() {
  auto socket = open_socket();
  if (!socket) return std::move(socket).error();
  const std::string name = std::string(kPrefix) + std::to_string(::getpid());
  const Address at = abstract(name);
  if (::bind(socket->get(), reinterpret_cast<const sockaddr*>(&at.address), at.size) != 0) {
    return fail("bind", "@" + name, errno);
  }
  return MarkSocket(*std::move(socket));
}

void MarkSocket::take(const std::function<void(Mark)>& each) {
  std::array<char, kLongestMark + 1> bytes;
  for (;;) {
    const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got < 0) return;
    auto mark = decode_mark({bytes.data(), static_cast<std::size_t>(got)}, BootClock::now());
    if (mark && kept_ < kMostMarks) {
      ++kept_;
      each(*std::move(mark));
    } else {
      ++lost_;
    }
  }
}

}  // namespace plumb::detect
