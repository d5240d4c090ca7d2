// SPDX-License-Identifier: Apache-2.0
// The turn of the loop: events, posted calls, timers, then everybody who has become ready.
#include "plumb/loop/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>

#include "mailbox.h"

namespace plumb::runtime {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kMailboxEvent = ~std::uint64_t{0};
constexpr unsigned kCredits = 64;
constexpr int kEventsPerTurn = 256;  // 3 KiB of stack; more only delays timers

Result<std::shared_ptr<Mailbox>> make_mailbox(const UniqueFd& epoll) {
  auto event = UniqueFd::event(0, EFD_NONBLOCK);
  if (!event) return std::move(event).error();
  epoll_event interest{};
  interest.events = EPOLLIN;
  interest.data.u64 = kMailboxEvent;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, event->get(), &interest) != 0) {
    return fail("epoll_ctl add", "eventfd", errno);
  }
  return std::make_shared<Mailbox>(*std::move(event));
}

}  // namespace

Result<std::unique_ptr<Loop>> Loop::create(LoopOptions options, std::source_location site) {
  auto epoll = UniqueFd::epoll();
  if (!epoll) return std::move(epoll).error();
  auto mailbox = make_mailbox(*epoll);
  if (!mailbox) return std::move(mailbox).error();
  std::unique_ptr<DescriptorBudget> own;
  if (options.budget == nullptr) own = std::make_unique<DescriptorBudget>();
  DescriptorBudget& budget = options.budget != nullptr ? *options.budget : *own;
  return std::unique_ptr<Loop>(
      new Loop(*std::move(epoll), *std::move(mailbox), std::move(own), budget, options, site));
}

Loop::Loop(UniqueFd epoll, std::shared_ptr<Mailbox> mailbox, std::unique_ptr<DescriptorBudget> own,
           DescriptorBudget& budget, const LoopOptions& options, std::source_location site)
    : epoll_(std::move(epoll)),
      mailbox_(std::move(mailbox)),
      own_budget_(std::move(own)),
      budget_(budget),
      start_(Clock::now()),
      now_(start_),
      holdings_(options.name, options.ledger),
      epoll_held_("epoll", site),
      mailbox_held_("eventfd", site) {
  holdings_.keep_time(now_);
  epoll_held_.acquire(holdings_, static_cast<std::uint64_t>(epoll_.get()));
  mailbox_held_.acquire(holdings_, static_cast<std::uint64_t>(mailbox_->event()));
  budget_.acquired();  // epoll
  budget_.acquired();  // eventfd
  budget_.sample();
}

Loop::~Loop() {
  mailbox_->close();
  mailbox_held_.release();
  epoll_held_.release();
  holdings_.expect_none();
  epoll_.reset();
  budget_.released();
  budget_.released();
}

void Loop::run_root(Task<void> main, std::source_location site) {
  Scope root(*this);
  root_scope_ = &root;
  root.start(std::move(main), site);
  reap();
  while (root.running() != 0) turn(true);
  root_scope_ = nullptr;
  if (root.trouble_) std::rethrow_exception(root.trouble_);
}

void Loop::run() {
  while (!std::exchange(stopping_, false)) turn(true);
}

void Loop::stop() noexcept {
  mailbox_->request_stop();
}

void Loop::poll() {
  turn(false);
}

void Loop::turn(bool may_block) {
  reap();
  read_events(may_block ? timeout() : 0);
  update_now();
  wheel_.advance(static_cast<Tick>(std::chrono::floor<milliseconds>(now_ - start_).count()));
  fire_ready();
}

// Only notes what has become ready: no user code runs here, so that no event of the batch can
// meet a descriptor that an earlier one of the same batch has destroyed.
void Loop::read_events(int timeout_ms) {
  turns_.add(1);
  std::array<epoll_event, kEventsPerTurn> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsPerTurn, timeout_ms);
  if (count <= 0) return;  // EINTR: a signal that is not ours; the next turn asks again
  events_.add(static_cast<std::uint64_t>(count));
  bool mail = false;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.u64 == kMailboxEvent) {
      mail = true;
      continue;
    }
    const auto number = static_cast<std::size_t>(event.data.u64 & UINT32_MAX);
    Descriptor* descriptor = descriptors_.slots_[number];
    if (descriptor != nullptr && descriptor->generation_ == event.data.u64 >> 32) {
      descriptor->on_events(event.events);
    }
  }
  if (mail) read_mail();
}

void Loop::read_mail() {
  auto taken = mailbox_->take();
  if (taken.stop) {
    stopping_ = true;
    if (root_scope_ != nullptr) root_scope_->cancel();
  }
  for (auto& call : taken.calls) {
    posted_.add(1);
    call->run();
    call.reset();
  }
}

// Those who become ready meanwhile wait for the next turn: nobody is starved by a pair of tasks
// that wake each other.
void Loop::fire_ready() noexcept {
  List<Wait> batch;
  batch.take_all(ready_);
  while (!batch.empty()) {
    fired_.add(1);
    credits_ = kCredits;
    batch.pop_front().fire();
    reap();
  }
}

void Loop::reap() noexcept {
  while (!ended_.empty()) {
    Context& context = ended_.pop_front();
    context.scope_->reap(context);
  }
}

int Loop::timeout() const noexcept {
  if (!ready_.empty()) return 0;
  const auto next = wheel_.next();
  if (!next) return -1;
  const auto wait = start_ + milliseconds(*next) - Clock::now();
  const auto whole = std::chrono::ceil<milliseconds>(wait).count();
  return static_cast<int>(std::clamp<std::int64_t>(whole, 0, INT_MAX));
}

void Loop::update_now() noexcept {
  now_ = Clock::now();
  holdings_.keep_time(now_);
}

Tick Loop::tick_after(std::chrono::nanoseconds delay) const noexcept {
  const auto due = Clock::now() - start_ + std::clamp(delay, std::chrono::nanoseconds(0), kForever);
  return static_cast<Tick>(std::chrono::ceil<milliseconds>(due).count());
}

}  // namespace plumb::runtime
