// SPDX-License-Identifier: Apache-2.0
// The observer's face.
#include "plumb/http/observer.h"

#include <utility>

#include "http/observer_state.h"

namespace plumb::http {

std::string_view name(Move move) noexcept {
  switch (move) {
    case Move::kUnknown:
      return "unknown";
    case Move::kNobody:
      return "nobody";
    case Move::kClientRequest:
      return "client-request";
    case Move::kServerResponse:
      return "server-response";
    case Move::kServerBody:
      return "server-body";
    case Move::kServerClose:
      return "server-close";
    case Move::kUnframed:
      return "unframed";
    case Move::kTunnel:
      return "tunnel";
    case Move::kClosed:
      return "closed";
  }
  return "unknown";
}

Observer::Observer(const ObserverLimits& limits) : state_(std::make_unique<State>(limits)) {}
Observer::Observer(Observer&&) noexcept = default;
Observer& Observer::operator=(Observer&&) noexcept = default;
Observer::~Observer() = default;

void Observer::bytes(Side from, std::string_view data, BootTime when) {
  state_->bytes(state_->of(from), data, when);
}

void Observer::gap(Side from, std::uint64_t count, BootTime when) {
  state_->gap(state_->of(from), count, when);
}

void Observer::closed(Side from, BootTime when) {
  state_->closed(state_->of(from), when);
}

void Observer::joined_late() {
  state_->late = true;
  for (Stream* stream : {&state_->client, &state_->server}) {
    stream->phase = Stream::Phase::kLost;
    stream->known = false;
  }
}

Move Observer::move() const {
  return state_->move();
}

std::vector<ObservedExchange> Observer::take_complete() {
  return std::exchange(state_->complete, {});
}

const std::deque<ObservedExchange>& Observer::open() const {
  return state_->open;
}

std::uint64_t Observer::stray(Side side) const {
  return state_->of(side).stray;
}

std::uint64_t Observer::dropped() const {
  return state_->dropped;
}

}  // namespace plumb::http
