// SPDX-License-Identifier: Apache-2.0
// The reserve, the counters and the events of the accept governor.
#include "plumb/net/governor.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <vector>

#include "plumb/base/unique_fd.h"
#include "plumb/net/network.h"

namespace plumb::runtime {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kEvents = static_cast<std::size_t>(GovernorEvent::kReserveRearmed) + 1;
constexpr auto kSampleEvery = std::chrono::milliseconds(100);
constexpr auto kSampleWhenFull = std::chrono::milliseconds(5);
constexpr auto kAskEvery = std::chrono::milliseconds(1);
constexpr auto kEventEvery = std::chrono::seconds(1);

// A call posted to a loop may be read after its network has gone: the slot is empty then. It is
// emptied and read on that loop's thread only.
struct Member {
  std::shared_ptr<Network*> slot;
  Poster poster;

  template <typename Call>
  void call(Call call) const {
    poster.post([slot = slot, call = std::move(call)] {
      if (*slot != nullptr) call(**slot);
    });
  }
};

// A descriptor kept open on /dev/null, so that it can be closed when one is needed.
struct Spare {
  Spare(UniqueFd opened, Holdings& shelf) : fd(std::move(opened)) {
    held.acquire(shelf, static_cast<std::uint64_t>(fd.get()));
  }
  UniqueFd fd;
  Holding held{"reserve"};
};

struct Reserve {
  std::size_t wanted = 0;  // at hand or lent
  std::size_t lent = 0;
  std::vector<std::unique_ptr<Spare>> held;

  std::size_t missing() const noexcept {
    return wanted > lent + held.size() ? wanted - lent - held.size() : 0;
  }
};

}  // namespace

const char* name_of(GovernorEvent event) noexcept {
  static constexpr std::array<const char*, kEvents> kNames = {
      "pressure", "relief",  "shed",   "answered busy", "turned away",
      "paused",   "resumed", "shrunk", "reserve lost",  "reserve rearmed"};
  return kNames[static_cast<std::size_t>(event)];
}

struct AcceptGovernor::State {
  State(DescriptorBudget& counted, Options given)
      : budget(counted), options(std::move(given)), shelf("accept governor", options.ledger) {}

  DescriptorBudget& budget;
  const Options options;
  Holdings shelf;
  mutable std::mutex mutex;  // guards what follows; nothing foreign is called with it held
  std::array<Reserve, 2> reserves;
  GovernorCounters counters;
  std::vector<Member> members;
  std::array<Clock::time_point, kEvents> told{};
  std::array<std::uint64_t, kEvents> untold{};
  std::array<std::uint64_t, kEvents> happened{};
  Clock::time_point sampled{};
  Clock::time_point asked{};  // other networks, to shed

  Reserve& reserve(ReserveFor purpose) { return reserves[static_cast<std::size_t>(purpose)]; }
};

AcceptGovernor::AcceptGovernor(DescriptorBudget& budget) : AcceptGovernor(budget, Options{}) {}

AcceptGovernor::AcceptGovernor(DescriptorBudget& budget, Options options)
    : state_(std::make_unique<State>(budget, std::move(options))) {
  state_->reserve(ReserveFor::kLobby).wanted = state_->options.lobby;
  state_->reserve(ReserveFor::kAdmin).wanted = state_->options.admin;
  for (auto& reserve : state_->reserves) reserve.held.reserve(reserve.wanted);
  budget.set_on_release([this] { wake_networks(); });
  fill();
  budget.sample();
}

AcceptGovernor::~AcceptGovernor() {
  state_->budget.set_on_release(nullptr);
  for (auto& reserve : state_->reserves) {
    for (; !reserve.held.empty(); reserve.held.pop_back()) state_->budget.released();
  }
}

const AcceptGovernor::Options& AcceptGovernor::options() const noexcept {
  return state_->options;
}
DescriptorBudget& AcceptGovernor::budget() noexcept {
  return state_->budget;
}

GovernorCounters AcceptGovernor::counters() const noexcept {
  const std::lock_guard lock(state_->mutex);
  return state_->counters;
}

std::uint64_t AcceptGovernor::happened(GovernorEvent event) const noexcept {
  const std::lock_guard lock(state_->mutex);
  return state_->happened[static_cast<std::size_t>(event)];
}

std::size_t AcceptGovernor::reserve_held() const noexcept {
  const std::lock_guard lock(state_->mutex);
  std::size_t held = 0;
  for (const auto& reserve : state_->reserves) held += reserve.held.size();
  return held;
}

std::size_t AcceptGovernor::reserve_wanted() const noexcept {
  const std::lock_guard lock(state_->mutex);
  std::size_t wanted = 0;
  for (const auto& reserve : state_->reserves) wanted += reserve.wanted - reserve.lent;
  return wanted;
}

// Opens what is missing; gives how many.
std::size_t AcceptGovernor::fill() noexcept {
  const std::lock_guard lock(state_->mutex);
  std::size_t opened = 0;
  for (auto& reserve : state_->reserves) {
    while (reserve.missing() != 0) {
      UniqueFd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
      if (!fd) {
        state_->budget.watch();  // the next close of plumb's brings us here again
        return opened;
      }
      reserve.held.push_back(std::make_unique<Spare>(std::move(fd), state_->shelf));
      state_->budget.acquired();
      ++opened;
    }
  }
  return opened;
}

void AcceptGovernor::rearm() noexcept {
  const std::size_t opened = fill();
  if (opened == 0) return;
  add(&GovernorCounters::reserve_rearmed, opened);
  note(GovernorEvent::kReserveRearmed);
}

bool AcceptGovernor::lend(ReserveFor purpose) noexcept {
  {
    const std::lock_guard lock(state_->mutex);
    auto& reserve = state_->reserve(purpose);
    if (reserve.held.empty()) return false;
    reserve.held.pop_back();
    ++reserve.lent;
  }
  state_->budget.lent();
  return true;
}

void AcceptGovernor::give_back(ReserveFor purpose) noexcept {
  std::size_t missing = 0;
  {
    const std::lock_guard lock(state_->mutex);
    --state_->reserve(purpose).lent;
  }
  fill();
  {
    const std::lock_guard lock(state_->mutex);
    for (const auto& reserve : state_->reserves) missing += reserve.missing();
  }
  if (missing == 0) return;
  add(&GovernorCounters::reserve_lost);
  note(GovernorEvent::kReserveLost);
}

bool AcceptGovernor::admit() noexcept {
  auto& budget = state_->budget;
  const auto room = [&] { return budget.available() > state_->options.headroom; };
  const auto now = Clock::now();
  bool sample = false;
  {
    const std::lock_guard lock(state_->mutex);
    sample = now - state_->sampled > (room() ? kSampleEvery : kSampleWhenFull);
    if (sample) state_->sampled = now;
  }
  if (sample) budget.sample();
  const std::size_t few = state_->options.headroom + std::max<std::size_t>(2, budget.limit() / 16);
  const bool pressed = budget.available() <= few;
  if (pressure_.exchange(pressed, std::memory_order_relaxed) != pressed) {
    note(pressed ? GovernorEvent::kPressure : GovernorEvent::kRelief);
  }
  return room();
}

void AcceptGovernor::add(std::uint64_t GovernorCounters::*counter, std::uint64_t count) noexcept {
  const std::lock_guard lock(state_->mutex);
  state_->counters.*counter += count;
}

void AcceptGovernor::note(GovernorEvent event) noexcept {
  const auto index = static_cast<std::size_t>(event);
  std::uint64_t count = 0;
  {
    const std::lock_guard lock(state_->mutex);
    ++state_->happened[index];
    if (!state_->options.on_event) return;
    ++state_->untold[index];
    const auto now = Clock::now();
    if (now - state_->told[index] < kEventEvery) return;
    state_->told[index] = now;
    count = std::exchange(state_->untold[index], 0);
  }
  state_->options.on_event(event, count);
}

void AcceptGovernor::join(Network& network, Poster poster) {
  const std::lock_guard lock(state_->mutex);
  state_->members.push_back({std::make_shared<Network*>(&network), std::move(poster)});
}

void AcceptGovernor::leave(Network& network) noexcept {
  const std::lock_guard lock(state_->mutex);
  const auto gone = [&](const Member& member) { return *member.slot == &network; };
  for (const auto& member : state_->members) {
    if (gone(member)) *member.slot = nullptr;
  }
  std::erase_if(state_->members, [](const Member& member) { return *member.slot == nullptr; });
}

void AcceptGovernor::ask_others_to_shed(const Network& asking) noexcept {
  const std::lock_guard lock(state_->mutex);
  const auto now = Clock::now();
  if (state_->members.size() < 2 || now - state_->asked < kAskEvery) return;
  state_->asked = now;
  for (const auto& member : state_->members) {
    if (*member.slot != &asking) member.call([](Network& network) { network.shed_one(); });
  }
}

// From the thread that closed a descriptor. Each network opens what is missing in the reserve and
// wakes its paused listeners, in its own next turn.
void AcceptGovernor::wake_networks() noexcept {
  const std::lock_guard lock(state_->mutex);
  for (const auto& member : state_->members) {
    member.call([](Network& network) { network.descriptors_came_free(); });
  }
}

}  // namespace plumb::runtime
