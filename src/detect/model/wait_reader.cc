// SPDX-License-Identifier: Apache-2.0
// Reading one thread's wait.
#include "detect/model/wait_reader.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <tuple>
#include <variant>

namespace plumb::detect {
namespace {

constexpr std::size_t kMostWatches = 65536;  // of one thread
constexpr int kMostEpollDepth = 5;           // the kernel's own bound (EP_MAX_NESTS)
constexpr std::uint64_t kFutexTidMask = 0x3fffffff;
constexpr std::uint64_t kFutexCommand = 0x7f;

auto identity(const Party& p) {
  return std::tie(p.kind, p.via, p.evidence, p.end, p.accepted, p.mutual, p.whom, p.thread);
}

std::uint64_t place(const Socket& socket) {
  return std::uint64_t{socket.net_namespace} << 16 | socket.local.port;
}

// fcntl(2) waits for a lock with these alone.
bool wants_lock(const BlockingCall& call) {
  return call.number == SYS_flock ||
         (call.number == SYS_fcntl && (call.args[1] == F_SETLKW || call.args[1] == F_OFD_SETLKW));
}

}  // namespace

WaitReader::WaitReader(const Joined& joined) : joined_(joined), survey_(joined.survey) {
  for (const Socket& socket : survey_.sockets) {
    if (socket.state == SocketState::kListen && socket.local.port != 0) {
      listening_.insert(place(socket));
    }
  }
  children_.resize(survey_.processes.size());
  for (std::uint32_t p = 0; p < children_.size(); ++p) {
    const auto parent = find_process(survey_, survey_.processes[p].parent);
    if (parent && number(*parent) != p) children_[number(*parent)].push_back(ProcessIndex{p});
  }
  waited_.resize(survey_.descriptors.size());
  for (std::uint32_t p = 0; p < children_.size(); ++p) {
    const Process& process = survey_.processes[p];
    for (std::uint32_t t = 0; t < process.listed_threads; ++t) {
      visit_waited(ProcessIndex{p}, ThreadIndex{process.first_thread + t},
                   [&](DescriptorIndex d, WaitEvidence) { waited_[number(d)] = true; });
    }
  }
}

const ThreadWait* WaitReader::facts_of(ThreadIndex thread) const {
  const auto at = std::ranges::lower_bound(survey_.waits, thread, {}, &ThreadWait::thread);
  return at == survey_.waits.end() || at->thread != thread ? nullptr : &*at;
}

void WaitReader::visit_waited(ProcessIndex process, ThreadIndex thread, const Visit& visit) const {
  const Thread& row = survey_.threads[number(thread)];
  if (!row.waits_in) return;
  const Wait wait = wait_of(*row.waits_in);
  if (wait.fd) {
    const auto d = joined_.tables.find(process, *wait.fd);
    if (!d) return;
    if (!wait.many) return visit(*d, WaitEvidence::kArgument);
    return visit_epoll(process, *d, WaitEvidence::kWatch, 0, visit);
  }
  const ThreadWait* facts = wait.many ? facts_of(thread) : nullptr;
  if (facts == nullptr) return;
  for (const PolledFd& polled : facts->polled) {
    const auto d = joined_.tables.find(process, polled.fd);
    if (!d) continue;
    if (joined_.row(*d).kind == Kind::kEpoll) {
      visit_epoll(process, *d, WaitEvidence::kList, 1, visit);
    } else {
      visit(*d, WaitEvidence::kList);
    }
  }
}

void WaitReader::visit_epoll(ProcessIndex process, DescriptorIndex epoll, WaitEvidence evidence,
                             int depth, const Visit& visit) const {
  const Detail* detail = survey_.detail_of(joined_.row(epoll));
  const auto* watched = detail == nullptr ? nullptr : std::get_if<EpollDetail>(detail);
  if (watched == nullptr || depth > kMostEpollDepth) return;
  const std::size_t most = std::min(watched->watches.size(), kMostWatches);
  for (std::size_t w = 0; w < most; ++w) {
    const EpollWatch& watch = watched->watches[w];
    if ((watch.events & 0x7fffffff) == 0) continue;  // disarmed: EPOLLONESHOT has fired
    const auto d = joined_.tables.find(process, watch.fd);
    if (!d) continue;
    // The number has been closed and given out again; the watched file lives on elsewhere.
    if (watch.inode != 0 && watch.inode != joined_.row(*d).inode) continue;
    if (joined_.row(*d).kind == Kind::kEpoll) {
      visit_epoll(process, *d, evidence, depth + 1, visit);
    } else {
      visit(*d, evidence);
    }
  }
}

ThreadParties WaitReader::read(ProcessIndex process, ThreadIndex thread) const {
  ThreadParties all;
  all.thread = thread;
  all.process = process;
  const Process& own = survey_.processes[number(process)];
  const Thread& row = survey_.threads[number(thread)];
  if (row.state == RunState{'t'} && own.tracer) {
    Party party{PartyKind::kUnseen, PartyVia::kTracer};
    if (const auto tracer = find_process(survey_, *own.tracer)) {
      party.kind = PartyKind::kProcess;
      party.whom = {*tracer};
      party.whom_total = 1;
    }
    all.parties.push_back(std::move(party));
    return all;
  }
  if (!row.waits_in) return all;
  const BlockingCall& call = *row.waits_in;
  all.wait = wait_of(call);
  const ThreadWait* facts = facts_of(thread);
  if (facts != nullptr) {
    all.timeout = facts->timeout;
    all.kernel_function = facts->kernel_function;
  }
  if (auto party = party_of_call(process, call, facts)) {
    all.parties.push_back(std::move(*party));
    return all;
  }
  visit_waited(process, thread, [&](DescriptorIndex d, WaitEvidence evidence) {
    Party party = party_on(process, d, evidence);
    const auto same = std::ranges::find_if(all.parties, [&](const Party& other) {
      return identity(other) == identity(party) &&
             joined_.row(*other.on).kind == joined_.row(d).kind;
    });
    if (same != all.parties.end()) {
      ++same->count;
    } else if (all.parties.size() < kMostParties) {
      all.parties.push_back(std::move(party));
    } else {
      ++all.cut;
    }
  });
  const bool unread = all.wait.many && !all.wait.fd && (facts == nullptr || !facts->listed);
  if (facts != nullptr) all.cut += facts->polled_cut;
  if (all.parties.empty()) {
    const bool sleeps = all.timeout.has_value() || (facts != nullptr && facts->remaining);
    all.parties.push_back({unread                          ? PartyKind::kUnknown
                           : sleeps                        ? PartyKind::kTimer
                           : all.wait.many && !all.wait.fd ? PartyKind::kSignal  // an empty list
                                                           : PartyKind::kUnknown});
  }
  return all;
}

// The calls that wait for something other than a descriptor's other end.
std::optional<Party> WaitReader::party_of_call(ProcessIndex process, const BlockingCall& call,
                                               const ThreadWait* facts) const {
  constexpr std::uint64_t kVfork = 0x4000;  // CLONE_VFORK
  switch (call.number) {
    case SYS_nanosleep:
    case SYS_clock_nanosleep: {
      Party party{PartyKind::kTimer};
      if (facts != nullptr) party.remaining = facts->remaining;
      return party;
    }
    case SYS_pause:
    case SYS_rt_sigsuspend:
    case SYS_rt_sigtimedwait:
      return Party{PartyKind::kSignal};
    case SYS_wait4:
    case SYS_waitid:
      return children_party(process, call);
    case SYS_clone:
      if ((call.args[0] & kVfork) == 0) return std::nullopt;
      [[fallthrough]];
    case SYS_vfork: {
      // The parent goes on when the child has its own program, or has ended: the youngest one.
      Party party{PartyKind::kUnknown, PartyVia::kChild};
      const auto& children = children_[number(process)];
      const auto youngest = std::ranges::max_element(
          children, {}, [&](ProcessIndex c) { return survey_.processes[number(c)].key.start; });
      if (youngest == children.end()) return party;
      party.kind = PartyKind::kProcess;
      party.whom = {*youngest};
      party.whom_total = 1;
      return party;
    }
    case SYS_futex:
      return futex_party(survey_.processes[number(process)], call, facts);
    default:
      break;
  }
  if (!wants_lock(call)) return std::nullopt;
  const auto d = joined_.tables.find(process, *wait_of(call).fd);
  if (!d) return Party{PartyKind::kUnknown, PartyVia::kLock};
  return lock_party(process, *d);
}

Party WaitReader::children_party(ProcessIndex process, const BlockingCall& call) const {
  Party party{PartyKind::kProcess, PartyVia::kChild};
  const auto argument = [](std::uint64_t value) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
  };
  constexpr std::uint64_t kPidfd = 3;  // P_PIDFD, Linux 5.4
  std::optional<Pid> only;
  if (call.number == SYS_wait4) {
    if (argument(call.args[0]) > 0) only = Pid{argument(call.args[0])};
  } else if (call.args[0] == P_PID) {
    only = Pid{argument(call.args[1])};
  } else if (call.args[0] == kPidfd) {
    const auto d = joined_.tables.find(process, Fd{argument(call.args[1])});
    const Detail* detail = d ? survey_.detail_of(joined_.row(*d)) : nullptr;
    const auto* pidfd = detail == nullptr ? nullptr : std::get_if<PidfdDetail>(detail);
    if (pidfd == nullptr || !pidfd->pid) return {PartyKind::kUnknown, PartyVia::kProcessFd};
    party.via = PartyVia::kProcessFd;
    party.on = d;
    only = pidfd->pid;
  }
  for (const ProcessIndex child : children_[number(process)]) {
    const Process& row = survey_.processes[number(child)];
    // The call's number is that of the waiter's pid namespace.
    const bool named = !only || row.key.pid == *only || row.own_pid == only;
    if (named) party.whom.push_back(child);
  }
  party.whom_total = static_cast<std::uint32_t>(party.whom.size());
  if (party.whom.empty()) party.kind = PartyKind::kUnseen;
  return party;
}

std::optional<ThreadIndex> WaitReader::thread_numbered(const Process& process,
                                                       std::uint32_t tid) const {
  for (std::uint32_t t = 0; t < process.listed_threads; ++t) {
    const ThreadIndex thread{process.first_thread + t};
    const auto own = static_cast<std::uint32_t>(number(survey_.threads[number(thread)].tid));
    if (own == tid) return thread;
  }
  return std::nullopt;
}

// Who changes the word is only known where its value says so: FUTEX_LOCK_PI has the owner in it,
// glibc's mutex has it two words on, and pthread_join waits on the word that holds the number of
// the thread that it joins.
Party WaitReader::futex_party(const Process& process, const BlockingCall& call,
                              const ThreadWait* facts) const {
  constexpr std::uint64_t kLockPi = 6, kLockPi2 = 13;
  constexpr std::uint32_t kLockedWithWaiters = 2;  // glibc's lowlevellock
  Party party{PartyKind::kFutex};
  if (facts == nullptr || !facts->futex) return party;
  const FutexWord& word = *facts->futex;
  const std::uint64_t command = call.args[1] & kFutexCommand;
  const auto expected = static_cast<std::uint32_t>(call.args[2]);
  if (command == kLockPi || command == kLockPi2) {
    party.thread = thread_numbered(process, word.value & kFutexTidMask);
    party.via = PartyVia::kMutex;
  } else if (word.value != expected) {
    return party;  // it is being woken
  } else if (expected == kLockedWithWaiters && word.third.value_or(0) != 0) {
    party.thread = thread_numbered(process, *word.third);
    party.via = PartyVia::kMutex;
  } else {
    party.thread = thread_numbered(process, word.value);
    party.via = PartyVia::kJoin;
  }
  if (!party.thread) return Party{PartyKind::kFutex};
  party.kind = PartyKind::kThread;
  return party;
}

Party WaitReader::lock_party(ProcessIndex process, DescriptorIndex d) const {
  const Descriptor& row = joined_.row(d);
  Party party{PartyKind::kUnknown, PartyVia::kLock, WaitEvidence::kArgument};
  party.on = d;
  const Pid own = survey_.processes[number(process)].key.pid;
  for (const FileLock& lock : survey_.locks) {
    if (lock.inode != row.inode || lock.device_major != row.device_major ||
        lock.device_minor != row.device_minor) {
      continue;
    }
    const bool ours = std::ranges::any_of(
        lock.waiters, [&](Pid waiter) { return waiter == own || waiter == Pid{}; });
    if (!ours) continue;
    party.kind = PartyKind::kUnseen;
    for (const DescriptorIndex holder : lock.holds) {
      const ProcessIndex whom = joined_.row(holder).process;
      if (std::ranges::find(party.whom, whom) == party.whom.end()) party.whom.push_back(whom);
    }
    // The taker may have left it to a child; where no open file is known to have it, he has.
    if (party.whom.empty() && lock.taker) {
      if (const auto taker = find_process(survey_, *lock.taker)) party.whom.push_back(*taker);
    }
    if (!party.whom.empty()) break;
  }
  if (party.whom.size() > 1) std::erase(party.whom, process);
  party.whom_total = static_cast<std::uint32_t>(party.whom.size());
  if (!party.whom.empty()) party.kind = PartyKind::kProcess;
  return party;
}

Party WaitReader::party_on(ProcessIndex process, DescriptorIndex d, WaitEvidence evidence) const {
  const Descriptor& row = joined_.row(d);
  Party party;
  switch (row.kind) {
    case Kind::kEventfd:
      party = same_file_party(process, d);
      break;
    case Kind::kTimerfd: {
      party.kind = PartyKind::kTimer;
      const Detail* detail = survey_.detail_of(row);
      const auto* timer = detail == nullptr ? nullptr : std::get_if<TimerfdDetail>(detail);
      if (timer != nullptr && timer->remaining.count() != 0) party.remaining = timer->remaining;
      break;
    }
    case Kind::kSignalfd:
      party.kind = PartyKind::kSignal;
      break;
    case Kind::kPidfd: {
      const Detail* detail = survey_.detail_of(row);
      const auto* pidfd = detail == nullptr ? nullptr : std::get_if<PidfdDetail>(detail);
      const auto whom =
          pidfd == nullptr || !pidfd->pid ? std::nullopt : find_process(survey_, *pidfd->pid);
      party = {whom ? PartyKind::kProcess : PartyKind::kUnseen, PartyVia::kProcessFd};
      if (whom) party.whom = {*whom};
      party.whom_total = whom ? 1 : 0;
      break;
    }
    case Kind::kPipe:
    case Kind::kFifo:
    case Kind::kPty:
      add_end(process, d, party);
      break;
    case Kind::kUnix:
    case Kind::kTcp:
    case Kind::kUdp:
    case Kind::kRaw:
    case Kind::kVsock:
    case Kind::kSocket:
      party = socket_party(process, d);
      break;
    case Kind::kUnreadable:
    case Kind::kUnknown:
      party.kind = PartyKind::kUnseen;
      break;
    case Kind::kFile:
    case Kind::kDirectory:
    case Kind::kSymlink:
    case Kind::kCharacterDevice:
    case Kind::kBlockDevice:
    case Kind::kMemfd:
    case Kind::kDmabuf:
      party.kind = PartyKind::kDevice;
      break;
    default:
      party.kind = PartyKind::kEvent;
      break;
  }
  party.on = d;
  party.evidence = evidence;
  return party;
}

Party WaitReader::socket_party(ProcessIndex process, DescriptorIndex d) const {
  Party party;
  const Socket* socket = survey_.socket_of(joined_.row(d));
  if (socket != nullptr && socket->state == SocketState::kListen) {
    party.kind = PartyKind::kClients;
    return party;
  }
  add_end(process, d, party);
  if (party.end == EndState::kNone)
    party.kind = PartyKind::kClients;  // not connected: whoever sends
  party.accepted = is_accepted(joined_.row(d));
  return party;
}

void WaitReader::add_end(ProcessIndex process, DescriptorIndex d, Party& party) const {
  const End end = joined_.ends.of(d);
  party.end = end.state;
  party.via = PartyVia::kOtherEnd;
  switch (end.state) {
    case EndState::kNone:
      party.via = PartyVia::kNone;
      return;
    case EndState::kNobody:
      party.kind = PartyKind::kNobody;
      return;
    case EndState::kUnseen:
      party.kind = PartyKind::kUnseen;
      return;
    case EndState::kOutside:
      party.kind = PartyKind::kOutside;
      return;
    case EndState::kAcceptQueue:
      party.via = PartyVia::kAcceptQueue;
      break;
    case EndState::kHeld:
      break;
  }
  for (const DescriptorIndex holder : end.holders) {
    const ProcessIndex whom = joined_.row(holder).process;
    if (whom == process) continue;
    ++party.whom_total;
    if (end.state == EndState::kHeld && waited_[number(holder)]) party.mutual = true;
    if (party.whom.size() < kMostWhom && std::ranges::find(party.whom, whom) == party.whom.end()) {
      party.whom.push_back(whom);
    }
    const Socket* there = survey_.socket_of(joined_.row(holder));
    if (there != nullptr && there->receive_queue.value_or(0) != 0) {
      party.unread_there = there->receive_queue;
    }
  }
  party.kind = party.whom.empty() ? PartyKind::kOwn : PartyKind::kProcess;
}

Party WaitReader::same_file_party(ProcessIndex process, DescriptorIndex d) const {
  Party party{PartyKind::kOwn, PartyVia::kSameFile};
  for (const DescriptorIndex holder : joined_.sharing.holders_of(d)) {
    const ProcessIndex whom = joined_.row(holder).process;
    if (whom == process || party.whom.size() == kMostWhom) continue;
    if (std::ranges::find(party.whom, whom) == party.whom.end()) party.whom.push_back(whom);
  }
  party.whom_total = static_cast<std::uint32_t>(party.whom.size());
  if (!party.whom.empty()) party.kind = PartyKind::kProcess;
  return party;
}

bool WaitReader::is_accepted(const Descriptor& row) const {
  const Socket* socket = survey_.socket_of(row);
  if (socket == nullptr || socket->state == SocketState::kListen) return false;
  if (row.kind == Kind::kTcp) return listening_.contains(place(*socket));
  // accept(2) gives the new socket the listener's name; a client rarely binds one.
  return row.kind == Kind::kUnix && !socket->path.empty() && socket->type != SOCK_DGRAM;
}

}  // namespace plumb::detect
