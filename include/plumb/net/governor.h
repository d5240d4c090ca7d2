// SPDX-License-Identifier: Apache-2.0
// AcceptGovernor: what happens to newcomers when the descriptor table is full. Left to itself,
// accept() says EMFILE, a level-triggered loop spins at 100 % CPU, an edge-triggered one goes deaf,
// and the clients wait in silence. The governor keeps a few descriptors in reserve and takes these
// measures, each only when the one before it was not enough:
//
//   1 pressure(): servers stop offering keep-alive
//   2 the idle connection unused for longest is closed: client pools' first, then those between two
//     requests, then those that never said a word (and are older than silent_grace)
//   3 the newcomer is let into the lobby: a reserve descriptor answers "busy" with the listener's
//     own words, lingers until the peer has read them, and goes back to the reserve
//   4 the lobby is full: the listener is paused, 5 ms doubling to 500 ms, and woken at once when
//   any
//     descriptor of plumb's is closed
//   5 paused for longer than shrink_after: the listener's backlog is made small, so that the kernel
//     refuses early
//
// Listeners of class kAdmin have descriptors of their own in reserve and are never paused. ENFILE,
// ENOBUFS and ENOMEM are governed like EMFILE. A reserve descriptor that another thread snatched is
// opened again at the next owned close.
//
// One per process and budget, shared by the networks of all loops, which it must outlive. Threads:
// any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "plumb/base/holding.h"
#include "plumb/loop/budget.h"
#include "plumb/loop/poster.h"

namespace plumb::runtime {

class Network;

struct GovernorCounters {
  std::uint64_t accepted = 0;
  std::uint64_t shed_upstream = 0;  // measure 2, by what was closed
  std::uint64_t shed_between = 0;
  std::uint64_t shed_silent = 0;
  std::uint64_t answered_busy = 0;  // measure 3, with words
  std::uint64_t turned_away = 0;    // measure 3, the listener has no words
  std::uint64_t pauses = 0;         // measure 4
  std::uint64_t paused_ns = 0;
  std::uint64_t shrunk = 0;             // measure 5
  std::uint64_t exhausted_process = 0;  // EMFILE
  std::uint64_t exhausted_system = 0;   // ENFILE
  std::uint64_t exhausted_memory = 0;   // ENOBUFS, ENOMEM
  std::uint64_t aborted = 0;            // connections that died in the queue (ECONNABORTED, …)
  std::uint64_t reserve_lost = 0;
  std::uint64_t reserve_rearmed = 0;

  friend bool operator==(const GovernorCounters&, const GovernorCounters&) = default;
};

enum class GovernorEvent : std::uint8_t {
  kPressure,  // measure 1 begins
  kRelief,    // … ends
  kShed,      // measures as above
  kAnsweredBusy,
  kTurnedAway,
  kPaused,
  kResumed,
  kShrunk,
  kReserveLost,
  kReserveRearmed,
};
const char* name_of(GovernorEvent event) noexcept;

enum class ReserveFor : std::uint8_t { kLobby, kAdmin };

class AcceptGovernor {
 public:
  struct Options {
    std::size_t lobby = 8;     // reserve descriptors for newcomers that are told "busy"
    std::size_t admin = 2;     // … for connections to admin listeners
    std::size_t headroom = 2;  // left free for the program's own files and connections
    std::chrono::milliseconds silent_grace{100};  // before a silent connection may be closed
    std::chrono::milliseconds linger{200};        // the longest stay in the lobby
    std::chrono::milliseconds linger_least{
        10};  // before a newcomer may take an answered one's place
    std::chrono::milliseconds pause_first{5};
    std::chrono::milliseconds pause_most{500};
    std::chrono::milliseconds shrink_after{1000};
    HoldingsRegister* ledger = nullptr;  // told of the reserve's holdings; must outlive this
    // Told of each kind of event at most once a second, with the number of those since the last
    // time. From the thread of the network that it happened to; must be quick.
    std::function<void(GovernorEvent, std::uint64_t count)> on_event = {};
  };

  // Opens the reserve; as much of it as the table allows, the rest when descriptors come free.
  AcceptGovernor(DescriptorBudget& budget, Options options);
  explicit AcceptGovernor(DescriptorBudget& budget);
  AcceptGovernor(const AcceptGovernor&) = delete;
  AcceptGovernor& operator=(const AcceptGovernor&) = delete;
  ~AcceptGovernor();

  GovernorCounters counters() const noexcept;
  // How often it has come to that; on_event is told less often.
  std::uint64_t happened(GovernorEvent event) const noexcept;
  std::size_t reserve_held() const noexcept;    // reserve descriptors at hand now
  std::size_t reserve_wanted() const noexcept;  // lobby + admin, less those lent out
  // Few descriptors are left: offer no keep-alive.
  bool pressure() const noexcept { return pressure_.load(std::memory_order_relaxed); }

  const Options& options() const noexcept;
  DescriptorBudget& budget() noexcept;

 private:
  friend class Network;
  friend class Listener;
  friend class Lobby;
  friend class StreamCore;
  struct State;

  // For networks.
  bool admit() noexcept;                        // whether a newcomer fits beside the reserve
  bool lend(ReserveFor purpose) noexcept;       // closes a reserve descriptor for an accept
  void give_back(ReserveFor purpose) noexcept;  // its use has been closed: takes it back
  void rearm() noexcept;                        // opens what is missing
  std::size_t fill() noexcept;
  void note(GovernorEvent event) noexcept;
  void add(std::uint64_t GovernorCounters::*counter, std::uint64_t count = 1) noexcept;
  void join(Network& network, Poster poster);
  void leave(Network& network) noexcept;
  void ask_others_to_shed(const Network& asking) noexcept;
  void wake_networks() noexcept;

  std::unique_ptr<State> state_;
  std::atomic<bool> pressure_{false};
};

}  // namespace plumb::runtime
