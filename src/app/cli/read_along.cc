// SPDX-License-Identifier: Apache-2.0
// Capturing a few processes.
#include "app/cli/read_along.h"

#include <array>
#include <utility>
#include <vector>

#include "detect/model/exchange_legs.h"
#include "detect/symbol/tls_places.h"

namespace plumb::app {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostFollowed = 8;
constexpr std::size_t kMostEnded = 4000;

}  // namespace

void ReadAlong::follow(Pid process) {
  if (!why_not_.empty() || followed_.size() >= kMostFollowed) return;
  if (!followed_.insert(process).second) return;
  if (!source_) {
    auto source = detect::open_capture(detect::CaptureHooks::kBest, detect::find_tls_places);
    if (!source) {
      why_not_ = source.error().message();
      return;
    }
    source_ = *std::move(source);
  }
  if (const auto followed = source_->follow(process); !followed) {
    why_not_ = followed.error().message();
    return;
  }
  const std::array<Pid, 1> chosen{process};
  (void)source_->look_into_tls(chosen);  // what stays closed is unknown, and a chain goes on
}

void ReadAlong::attend() {
  if (!source_) return;
  // What cannot be read now is read with the next pieces.
  std::vector<Pid> started;
  (void)source_->poll(0ms, [&](detect::CapturePiece piece) {
    using What = detect::CapturePiece::What;
    if (piece.what == What::kStarted || piece.what == What::kForked) started.push_back(piece.pid);
    ledger_.add(std::move(piece));
  });
  for (const Pid process : started) {
    if (source_->look_into_started(process)) source_->seen_from_now_on(process);
  }
  constexpr auto kStalls = 1s;
  const BootTime now = BootClock::now();
  if (now - looked_over_ >= kStalls && source_->losses().passed_over != 0) {
    looked_over_ = now;
    source_->take_passed_over(
        kStalls, [this](detect::CapturePiece piece) { ledger_.add(std::move(piece)); });
  }
  ledger_.settle(now);
  for (detect::Exchange& exchange : ledger_.take_finished()) ended_.push_back(std::move(exchange));
  if (ended_.size() > kMostEnded) {
    ended_.erase(ended_.begin(), ended_.end() - static_cast<std::ptrdiff_t>(kMostEnded / 2));
  }
}

std::optional<detect::ExchangeFacts> ReadAlong::facts() const {
  if (!source_) return std::nullopt;
  detect::ExchangeFacts facts{ledger_, ended_};
  auto open = ledger_.under_way([&](detect::SocketInode socket) {
    const auto [received, sent] = source_->lost_of(socket);
    return detect::SocketStanding{.lost = received + sent};
  });
  for (detect::Exchange& exchange : open) facts.exchanges.push_back(std::move(exchange));
  detect::match_legs(ledger_, facts.exchanges);
  return facts;
}

}  // namespace plumb::app
