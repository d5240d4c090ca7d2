// SPDX-License-Identifier: Apache-2.0
// Party: whom or what a thread's wait depends on; one of them suffices to end it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "detect/model/joined.h"
#include "detect/model/waiting.h"

namespace plumb::detect {

enum class PartyKind : std::uint8_t {
  kProcess,  // one of these processes can end the wait
  kThread,   // one other thread of its own process can
  kOwn,      // only its own process has what it waits on: a wake-up pipe, an eventfd
  kClients,  // whoever connects or sends: it listens
  kOutside,  // another machine
  kNobody,   // nobody has the other end
  kUnseen,   // who has it could not be seen
  kTimer,    // time alone
  kSignal,   // a signal
  kEvent,    // the kernel tells of something: netlink, inotify, io_uring
  kDevice,   // a disk, a device, a terminal
  kFutex,    // a word of memory that another thread changes; which one is not known
  kUnknown,  // what it waits on could not be found out
};

enum class PartyVia : std::uint8_t {
  kNone,
  kOtherEnd,
  kAcceptQueue,  // the other end waits for their accept(2)
  kSameFile,     // they have the same eventfd
  kChild,
  kProcessFd,
  kLock,
  kMutex,  // the owner's number stands in the mutex
  kJoin,   // the futex is the word that the kernel clears when that thread ends
  kTracer,
};

// "process", "other-end", …: the words for them in JSON.
std::string_view name_of(PartyKind kind);
std::string_view name_of(PartyVia via);

struct Party {
  PartyKind kind = PartyKind::kUnknown;
  PartyVia via = PartyVia::kNone;
  WaitEvidence evidence = WaitEvidence::kNone;
  EndState end = EndState::kNone;
  std::optional<DescriptorIndex> on{};  // the descriptor; the first one where there are several
  std::uint32_t count = 1;              // descriptors that lead to the same party
  // The connection came to a listener: its holder serves the other end.
  bool accepted = false;
  // Who has the other end waits on it too.
  bool mutual = false;
  // kProcess. Other processes; itself only where it alone can end its wait. At most kMostWhom but
  // for children, which are all there.
  std::vector<ProcessIndex> whom{};
  std::uint32_t whom_total = 0;
  std::optional<ThreadIndex> thread{};                  // kThread
  std::optional<std::chrono::nanoseconds> remaining{};  // kTimer, where it is known
  std::optional<std::uint32_t> unread_there{};          // bytes that the other end has not read
};

constexpr std::size_t kMostWhom = 64;
constexpr std::size_t kMostParties = 256;  // of a thread, after equal ones were put together

}  // namespace plumb::detect
