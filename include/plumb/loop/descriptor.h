// SPDX-License-Identifier: Apache-2.0
// Descriptor: an open descriptor that belongs to a loop. The epoll server that kept only a
// duplicate of its listener lost the port when a finalizer closed the original; here registration
// and ownership are the same act: attach() takes the only owner, and what the loop watches is open
// exactly as long as it watches. There is no dup, and the number leaves only as a borrow().
//
// It does not move: the loop points at it. Embed it, or hold it by unique_ptr.
// Streams are registered once, edge-triggered, for both directions; a listener must be
// level-triggered, as Linux tests EMFILE before the queue and an edge would be lost with it.
// Threads: those of its loop only.
#pragma once

#include <coroutine>
#include <cstdint>
#include <source_location>

#include "plumb/base/holding.h"
#include "plumb/base/result.h"
#include "plumb/base/unique_fd.h"
#include "plumb/loop/context.h"

namespace plumb::runtime {

enum class DescriptorKind : std::uint8_t { kOther, kListener, kTcp, kUnix, kUdp, kSignal };
const char* name_of(DescriptorKind kind) noexcept;  // as the ledger calls it: "tcp"
enum class Direction : std::uint8_t { kRead, kWrite };
enum class Trigger : std::uint8_t { kEdge, kLevel };

class Descriptor {
 public:
  // `site`: the line that the loop's holdings name for it.
  Descriptor(Loop& loop, DescriptorKind kind,
             std::source_location site = std::source_location::current()) noexcept
      : loop_(loop), kind_(kind), held_(name_of(kind), site) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }

  // Takes `fd`, which must be non-blocking, and watches it. kEdge: both directions. kLevel: reading
  // only, and only while somebody waits. Errors: epoll_ctl (ENOSPC: fs.epoll.max_user_watches).
  Result<void> attach(UniqueFd fd, Trigger trigger = Trigger::kEdge);

  // Ends all waits with `code`, takes the descriptor off the loop and closes it. Twice is once.
  void close(int code = ECANCELED) noexcept;

  // Takes it off the loop and gives it away unclosed, for another loop to attach.
  [[nodiscard]] UniqueFd detach() noexcept;

  // The number, for one system call. Never keep it, never close it; -1 once closed.
  int borrow() const noexcept { return fd_.get(); }
  bool open() const noexcept { return static_cast<bool>(fd_); }

  Loop& loop() const noexcept { return loop_; }
  DescriptorKind kind() const noexcept { return kind_; }

  // Edge-triggered readiness as far as it is known; the next edge makes it true again.
  bool ready(Direction direction) const noexcept {
    return direction == Direction::kRead ? readable_ || ended_ : writable_;
  }
  // A system call said EAGAIN.
  void blocked(Direction direction) noexcept {
    if (direction == Direction::kWrite) {
      writable_ = false;
    } else {
      readable_ = ended_ = false;
    }
  }
  // A read of a stream got less than it asked for, which on Linux means that nothing is left. Once
  // the peer has finished or failed, reading stays ready: no further edge would tell.
  void drained() noexcept { readable_ = false; }
  // The peer's FIN, RST or an error has been seen by epoll.
  bool ended() const noexcept { return ended_; }

  // Lets `wait` stand here until the direction is ready. The waiter then tries its call again.
  void await(Direction direction, Wait& wait) noexcept;

  // Waits as a coroutine: Result<void>, failing with ECANCELED or ETIMEDOUT.
  class Ready;
  inline Ready readable() noexcept;
  inline Ready writable() noexcept;

 private:
  friend class Loop;
  void on_events(std::uint32_t events) noexcept;
  void arm_level(bool interested) noexcept;
  void forget() noexcept;

  Loop& loop_;
  UniqueFd fd_;
  std::uint32_t generation_ = 0;
  DescriptorKind kind_;
  Trigger trigger_ = Trigger::kEdge;
  bool readable_ = false;
  bool writable_ = true;
  bool ended_ = false;
  bool armed_ = false;  // kLevel: epoll is asked for events
  List<Wait> readers_;
  List<Wait> writers_;
  Holding held_;  // while it is open
};

class Descriptor::Ready : public TaskWait {
 public:
  Ready(Descriptor& descriptor, Direction direction) noexcept
      : descriptor_(descriptor), direction_(direction) {}
  bool await_ready() const noexcept { return false; }
  template <typename P>
  bool await_suspend(std::coroutine_handle<P> handle) noexcept {
    return start(park(handle));
  }
  Result<void> await_resume() const;

 private:
  bool start(Context& context) noexcept;
  Descriptor& descriptor_;
  Direction direction_;
};

Descriptor::Ready Descriptor::readable() noexcept {
  return Ready(*this, Direction::kRead);
}
Descriptor::Ready Descriptor::writable() noexcept {
  return Ready(*this, Direction::kWrite);
}

}  // namespace plumb::runtime
