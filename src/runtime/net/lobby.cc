// SPDX-License-Identifier: Apache-2.0
// The stay of a visitor in the lobby.
#include "lobby.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "plumb/loop/descriptor.h"
#include "plumb/net/network.h"

namespace plumb::runtime {
namespace {

constexpr std::size_t kMostThrownAway = 64 * 1024;  // a peer that sends more is not listening

}  // namespace

class Lobby::Visitor final : public Wait {
 public:
  explicit Visitor(Lobby& lobby)
      : lobby_(lobby),
        loop_(lobby.network_.loop()),
        descriptor_(loop_, DescriptorKind::kOther),
        since_(loop_.now()),
        patience_(loop_, [this] { lobby_.leave(*this); }) {}

  bool enter(UniqueFd fd, const std::string& words, std::chrono::milliseconds linger) {
    // A new socket's buffer takes all of it; what it does not take is not worth waiting for. A peer
    // that has gone already is seen when its input is read.
    if (!words.empty()) ::send(fd.get(), words.data(), words.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    ::shutdown(fd.get(), SHUT_WR);
    if (!descriptor_.attach(std::move(fd))) return false;
    patience_.arm(linger);
    descriptor_.await(Direction::kRead, *this);
    return true;
  }

  bool can_go(std::chrono::steady_clock::time_point now, std::chrono::milliseconds least) const {
    return heard_ != 0 && now - since_ >= least;
  }
  bool heard() const noexcept { return heard_ != 0; }
  void close() noexcept {
    unlink();  // nobody waits any more
    descriptor_.close();
  }
  std::chrono::steady_clock::time_point since() const noexcept { return since_; }

 private:
  void fire() override {
    if (drain()) {
      renew();
      descriptor_.await(Direction::kRead, *this);
    } else {
      lobby_.leave(*this);
    }
  }

  // True while the visitor may say more.
  bool drain() noexcept {
    std::array<char, 4096> sink;
    while (heard_ < kMostThrownAway) {
      const ssize_t got = ::recv(descriptor_.borrow(), sink.data(), sink.size(), MSG_DONTWAIT);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) {
        descriptor_.blocked(Direction::kRead);
        return true;
      }
      if (got <= 0) return false;
      heard_ += static_cast<std::size_t>(got);
    }
    return false;
  }

  Lobby& lobby_;
  Loop& loop_;
  Descriptor descriptor_;
  std::chrono::steady_clock::time_point since_;
  std::size_t heard_ = 0;
  Timer patience_;
};

Lobby::Lobby(Network& network) : network_(network) {}

Lobby::~Lobby() {
  while (!visitors_.empty()) leave(*visitors_.back());
}

void Lobby::enter(UniqueFd fd, const std::string& words) {
  auto visitor = std::make_unique<Visitor>(*this);
  if (!visitor->enter(std::move(fd), words, network_.governor().options().linger)) {
    visitor.reset();
    network_.governor_.give_back(ReserveFor::kLobby);
    return;
  }
  visitors_.push_back(std::move(visitor));
}

void Lobby::leave(Visitor& visitor) noexcept {
  const auto is_it = [&](const auto& held) { return held.get() == &visitor; };
  const auto found = std::ranges::find_if(visitors_, is_it);
  const auto gone = std::move(*found);
  visitors_.erase(found);
  // The reserve takes the number back before anybody is woken to take it.
  gone->close();
  network_.governor_.give_back(ReserveFor::kLobby);
  network_.descriptors_came_free();
}

bool Lobby::free_a_place() {
  const auto now = network_.loop().now();
  const auto least = network_.governor().options().linger_least;
  const auto can_go = [&](const auto& visitor) { return visitor->can_go(now, least); };
  const auto found = std::ranges::find_if(visitors_, can_go);
  if (found == visitors_.end()) return false;
  leave(**found);
  return true;
}

std::optional<std::chrono::steady_clock::time_point> Lobby::next_place() const {
  std::optional<std::chrono::steady_clock::time_point> next;
  for (const auto& visitor : visitors_) {
    if (!visitor->heard()) continue;
    const auto at = visitor->since() + network_.governor().options().linger_least;
    next = next ? std::min(*next, at) : at;
  }
  return next;
}

}  // namespace plumb::runtime
