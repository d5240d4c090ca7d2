// SPDX-License-Identifier: Apache-2.0
// Lobby: where a newcomer for whom there is no room is told so. A reply written and closed at once
// is often lost: unread input turns close(2) into a reset that overtakes it. So a visitor lingers:
// reply, FIN, then its input is read and thrown away until it leaves, its time is over, or another
// newcomer needs its place and it has had its answer.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plumb/base/unique_fd.h"

namespace plumb::runtime {

class Network;

class Lobby {
 public:
  explicit Lobby(Network& network);
  ~Lobby();

  // Answers `fd`, which took the place of a descriptor of the reserve, with `words`; keeps it.
  void enter(UniqueFd fd, const std::string& words);
  // Ends the stay of one who has been answered and has said something; false if there is none.
  bool free_a_place();
  // When the next visitor can be made to go.
  std::optional<std::chrono::steady_clock::time_point> next_place() const;

  std::size_t visitors() const noexcept { return visitors_.size(); }

 private:
  class Visitor;
  void leave(Visitor& visitor) noexcept;

  Network& network_;
  std::vector<std::unique_ptr<Visitor>> visitors_;
};

}  // namespace plumb::runtime
