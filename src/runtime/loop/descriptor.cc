// SPDX-License-Identifier: Apache-2.0
// Registration, readiness and the end of a loop's descriptor.
#include "plumb/loop/descriptor.h"

#include <sys/epoll.h>

#include <cerrno>
#include <string>

#include "plumb/loop/loop.h"

namespace plumb::runtime {
namespace {

constexpr std::uint32_t kEdgeEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

}  // namespace

const char* name_of(DescriptorKind kind) noexcept {
  static constexpr const char* kNames[] = {"descriptor", "listener", "tcp",
                                           "unix",       "udp",      "signalfd"};
  return kNames[static_cast<std::size_t>(kind)];
}

Result<void> Descriptor::attach(UniqueFd fd, Trigger trigger) {
  close();
  const auto number = static_cast<std::size_t>(fd.get());
  auto& table = loop_.descriptors_;
  if (table.slots_.size() <= number) table.slots_.resize(number + 1);
  generation_ = ++table.generation_;
  epoll_event event{};
  event.events = trigger == Trigger::kEdge ? kEdgeEvents : 0;
  event.data.u64 = number | std::uint64_t{generation_} << 32;
  if (::epoll_ctl(loop_.epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event) != 0) {
    return fail("epoll_ctl add", "descriptor " + std::to_string(number), errno,
                errno == ENOSPC ? "raise fs.epoll.max_user_watches" : "");
  }
  fd_ = std::move(fd);
  trigger_ = trigger;
  readable_ = ended_ = armed_ = false;
  writable_ = true;
  table.slots_[number] = this;
  ++table.size_;
  ++table.by_kind_[static_cast<std::size_t>(kind_)];
  loop_.budget_.acquired();
  held_.acquire(loop_.holdings_, number);
  return {};
}

UniqueFd Descriptor::detach() noexcept {
  if (!fd_) return {};
  // Explicit, although close(2) would do it: a forked child may keep the open file alive.
  ::epoll_ctl(loop_.epoll_.get(), EPOLL_CTL_DEL, fd_.get(), nullptr);
  forget();
  return std::move(fd_);
}

void Descriptor::forget() noexcept {
  auto& table = loop_.descriptors_;
  table.slots_[static_cast<std::size_t>(fd_.get())] = nullptr;
  --table.size_;
  --table.by_kind_[static_cast<std::size_t>(kind_)];
  held_.release();
}

void Descriptor::close(int code) noexcept {
  if (fd_) {
    // An edge-triggered stream needs no EPOLL_CTL_DEL: should a forked child keep its file alive,
    // the generation makes the loop ignore the event. A level would be reported again and again.
    if (trigger_ == Trigger::kLevel) {
      ::epoll_ctl(loop_.epoll_.get(), EPOLL_CTL_DEL, fd_.get(), nullptr);
    }
    forget();
    fd_.reset();
    loop_.budget_.released();
  }
  while (!readers_.empty()) readers_.front().finish(loop_, code);
  while (!writers_.empty()) writers_.front().finish(loop_, code);
}

void Descriptor::await(Direction direction, Wait& wait) noexcept {
  (direction == Direction::kRead ? readers_ : writers_).push_back(wait);
  if (trigger_ == Trigger::kLevel && !armed_) arm_level(true);
}

void Descriptor::arm_level(bool interested) noexcept {
  epoll_event event{};
  event.events = interested ? EPOLLIN : 0U;
  event.data.u64 = static_cast<std::uint32_t>(fd_.get()) | std::uint64_t{generation_} << 32;
  // Changing a registration that exists allocates nothing and cannot fail.
  ::epoll_ctl(loop_.epoll_.get(), EPOLL_CTL_MOD, fd_.get(), &event);
  armed_ = interested;
}

void Descriptor::on_events(std::uint32_t events) noexcept {
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) ended_ = true;
  if ((events & EPOLLIN) != 0) readable_ = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) writable_ = true;
  if (trigger_ == Trigger::kLevel && readers_.empty()) arm_level(false);
  if (ready(Direction::kRead)) {
    while (!readers_.empty()) readers_.front().finish(loop_, 0);
  }
  if (writable_) {
    while (!writers_.empty()) writers_.front().finish(loop_, 0);
  }
}

bool Descriptor::Ready::start(Context& context) noexcept {
  Loop& loop = context.loop();
  if (const int code = context.interrupted(); code != 0) {
    finish(loop, code);
  } else if (!descriptor_.open()) {
    finish(loop, EBADF);
  } else if (!descriptor_.ready(direction_)) {
    descriptor_.await(direction_, *this);
  } else if (loop.credit()) {
    unpark();
    return false;
  } else {
    finish(loop, 0);
  }
  return true;
}

Result<void> Descriptor::Ready::await_resume() const {
  if (code() != 0) {
    return fail(direction_ == Direction::kRead ? "wait to read" : "wait to write", "", code());
  }
  return {};
}

}  // namespace plumb::runtime
