// SPDX-License-Identifier: Apache-2.0
// How `plumb mark` reaches the plumbs that listen: each of these has a datagram socket with an
// abstract name (unix(7)) of its own, "@plumb/marks/PID"; the marker finds them in /proc/net/unix
// and sends to each. There is no file, no daemon and no right needed, and nothing is left behind;
// both must be in one network namespace.
//
// Everybody may send: a datagram is at most kLongestMark bytes, a time that is not of the last
// seconds becomes that of its arrival, and a listener keeps at most kMostMarks.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detect/record/mark.h"
#include "plumb/base/result.h"
#include "plumb/base/unique_fd.h"

namespace plumb::detect {

inline constexpr std::size_t kLongestName = 64;  // bytes of a mark's name
inline constexpr std::size_t kLongestMark = 128;
inline constexpr std::size_t kMostMarks = 10'000;

// A mark as a datagram: "plumb-mark 1 start 123456789 name". Names are cut.
std::string encode_mark(const Mark& mark);
// Nothing for what is none. `now` is when it came.
std::optional<Mark> decode_mark(std::string_view datagram, BootTime now);
// The abstract names of listeners in the text of /proc/net/unix, without the '@'; at most 64.
std::vector<std::string> mark_listeners(std::string_view table);

// To all who listen now; returns how many took it. Errors: of /proc/net/unix and of socket(2).
Result<std::size_t> send_mark(const Mark& mark);

class MarkSocket {
 public:
  // Errors: of socket(2) and bind(2).
  static Result<MarkSocket> open();

  // What has come since the last call; does not wait.
  void take(const std::function<void(Mark)>& each);
  // Marks that found no room, and datagrams that were none.
  std::size_t lost() const { return lost_; }

 private:
  explicit MarkSocket(UniqueFd socket) : socket_(std::move(socket)) {}

  UniqueFd socket_;
  std::size_t kept_ = 0;
  std::size_t lost_ = 0;
};

}  // namespace plumb::detect
