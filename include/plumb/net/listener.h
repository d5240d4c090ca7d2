// SPDX-License-Identifier: Apache-2.0
// Listener: a listening socket that its loop owns. It listens exactly as long as this object lives:
// no copy of the descriptor exists whose closing by somebody else could end it (the fourth
// mystery), and no error of accept() ends it or makes it spin; what happens at the limit is in
// governor.h.
//
//   auto listener = network.listen(Address::loopback(0), {.busy = kBusyFrame});
//   co_await listener->serve([](Stream stream) -> Task<> { … });
//
// Threads: those of its loop. For several loops: one listener each with reuse_port, or one listener
// whose streams are handed over (Stream::hand_over).
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

#include "plumb/base/result.h"
#include "plumb/loop/scope.h"
#include "plumb/loop/timer.h"
#include "plumb/net/address.h"
#include "plumb/net/stream.h"

namespace plumb::runtime {

enum class ListenerClass : std::uint8_t {
  kNormal,
  // Health checks, debug pages: has descriptors of its own in reserve and is not paused for others'
  // sake; with those used up too it tries again every pause_first.
  kAdmin,
};

struct ListenOptions {
  int backlog = 4096;  // cut to net.core.somaxconn by the kernel
  bool reuse_port = false;
  ListenerClass listener_class = ListenerClass::kNormal;
  // What a newcomer is told when there is no room, as bytes of the protocol: a 503 response, a busy
  // frame; copied. Empty: closed without a word, in TLS with the alert internal_error (RFC
  // 8446, 6.2).
  std::string_view busy = {};
  // Streams speak TLS as its server. Must outlive the listener.
  const TlsContext* tls = nullptr;
};

class Listener : public ListNode {
 public:
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // The next connection. One task at a time. Errors: ECANCELED, ETIMEDOUT, EBADF after close(), and
  // what makes the listener useless (EINVAL, ENOTSOCK, …). Never EMFILE and its like.
  class Accept;
  [[nodiscard]] Accept accept(std::source_location site = std::source_location::current());

  // Accepts until cancelled or closed, running handler(Stream) -> Task<void> for each connection in
  // a scope of its own; ends when all of them have. Cancelling it cancels them; close() lets them
  // finish. Errors: as accept(); a close() is none.
  template <typename Handler>
  Task<Result<void>> serve(Handler&& handler,
                           std::source_location site = std::source_location::current()) {
    static_assert(kAwaitable<Handler>,
                  "name the lambda first, or capture by reference: see task.h");
    return serve_with(std::decay_t<Handler>(std::forward<Handler>(handler)), site);
  }

  // Stops listening; those who are connected stay.
  void close() noexcept;

  Result<Address> local() const;
  bool paused() const noexcept { return paused_since_.has_value(); }
  ListenerClass listener_class() const noexcept { return options_.listener_class; }
  Network& network() const noexcept { return network_; }

 private:
  friend class Network;
  friend class Lobby;

  Listener(Network& network, const ListenOptions& options, std::source_location site);
  Result<void> open(const Address& address);

  template <typename Handler>
  Task<Result<void>> serve_with(Handler handler, std::source_location site);

  struct Taken {
    std::optional<Stream> stream = std::nullopt;
    int error = 0;  // fatal
    Step step = Step::kDone;
  };
  Taken take(std::source_location site);
  // Measures 2 to 5. There is a place for the newcomer; it was answered; or neither: paused.
  enum class Room { kPlace, kAnswered, kNone };
  Room make_room(int code);
  bool into_lobby();
  bool is_admin() const noexcept { return options_.listener_class == ListenerClass::kAdmin; }
  UniqueFd accept_one(int& code) noexcept;
  Taken taken_of(UniqueFd fd, bool from_reserve, std::source_location site);
  void pause() noexcept;
  void resume() noexcept;

  Network& network_;
  const ListenOptions options_;
  const std::string busy_;
  Descriptor descriptor_;
  DescriptorKind stream_kind_ = DescriptorKind::kTcp;
  std::string unlink_path_;  // a unix socket's file, removed with the listener
  std::optional<std::chrono::steady_clock::time_point> paused_since_;
  std::optional<std::chrono::steady_clock::time_point> starved_since_;  // no accept since
  std::chrono::milliseconds pause_;
  bool shrunk_ = false;
  Timer resume_timer_;
  List<Wait> paused_;
};

class Listener::Accept : public IoWait {
 public:
  Accept(Listener& listener, std::source_location site) noexcept
      : listener_(listener), site_(site) {}
  Result<Stream> await_resume();

 private:
  Step attempt() override;
  Descriptor& descriptor() override { return listener_.descriptor_; }
  void wait_for(Step step) override;
  Listener& listener_;
  std::source_location site_;
  Taken taken_;
};

template <typename Handler>
Task<Result<void>> Listener::serve_with(Handler handler, std::source_location site) {
  const auto accepting = [&](Scope& scope) -> Task<Result<void>> {
    for (;;) {
      auto stream = co_await accept(site);
      if (!stream) co_return std::move(stream).error();
      scope.start(handler(*std::move(stream)), site);
    }
  };
  auto ended = co_await open_scope(accepting);
  if (!ended && ended.error().code == EBADF) co_return Result<void>();
  co_return ended;
}

}  // namespace plumb::runtime
