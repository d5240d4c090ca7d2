// SPDX-License-Identifier: Apache-2.0
// Opening, accepting, and what is done when there is no room (measures 2 to 5 of governor.h).
#include "plumb/net/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "lobby.h"
#include "plumb/net/network.h"
#include "plumb/net/tls.h"
#include "stream_core.h"

namespace plumb::runtime {
namespace {

using std::chrono::steady_clock;

constexpr int kSmallBacklog = 16;
constexpr int kAcceptsPerTurn = 64;
// TLS 1.2 record, alert, fatal, internal_error: what a server may say before its first flight.
constexpr std::string_view kTlsBusy("\x15\x03\x03\x00\x02\x02\x50", 7);

enum class Verdict { kNone, kNext, kExhausted, kFatal };

// What an errno of accept4 means; the list of accept(2), "Error handling" and "ERRORS".
Verdict verdict_on(int code) noexcept {
  switch (code) {
    case EAGAIN:
      return Verdict::kNone;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return Verdict::kExhausted;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EOPNOTSUPP:
    case EFAULT:
      return Verdict::kFatal;
    default:  // EINTR, ECONNABORTED, EPROTO, EPERM and the network's: that connection is gone
      return Verdict::kNext;
  }
}

// A socket file that nobody listens on is left over from a server that died.
void remove_stale(const Address& address) {
  struct stat file {};
  const std::string path = address.path();
  if (path.front() == '@' || ::lstat(path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return;
  auto probe = UniqueFd::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (!probe) return;
  if (::connect(probe->get(), address.raw(), address.length()) != 0 && errno == ECONNREFUSED) {
    ::unlink(path.c_str());
  }
}

}  // namespace

Listener::Listener(Network& network, const ListenOptions& options, std::source_location site)
    : network_(network),
      options_(options),
      busy_(options.busy.empty() && options.tls != nullptr ? kTlsBusy : options.busy),
      descriptor_(network.loop(), DescriptorKind::kListener, site),
      pause_(network.governor().options().pause_first),
      resume_timer_(
          network.loop(), [this] { resume(); }, site) {
  network.listeners_.push_back(*this);
}

Listener::~Listener() {
  close();
}

Result<void> Listener::open(const Address& address) {
  if (address.is_unix()) {
    stream_kind_ = DescriptorKind::kUnix;
    remove_stale(address);
  }
  auto fd = UniqueFd::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (!fd) return std::move(fd).error();
  const int one = 1;
  if (!address.is_unix()) {
    // None of these can fail on a socket just made. Accepted sockets inherit TCP_NODELAY (tcp(7)).
    ::setsockopt(fd->get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    ::setsockopt(fd->get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }
  if (options_.reuse_port &&
      ::setsockopt(fd->get(), SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) != 0) {
    return fail("share the port of", address.text(), errno);
  }
  if (::bind(fd->get(), address.raw(), address.length()) != 0) {
    return fail("bind", address.text(), errno);
  }
  if (address.is_unix() && address.path().front() != '@') unlink_path_ = address.path();
  if (::listen(fd->get(), options_.backlog) != 0) return fail("listen", address.text(), errno);
  return descriptor_.attach(*std::move(fd), Trigger::kLevel);
}

void Listener::close() noexcept {
  unlink();
  resume_timer_.cancel();
  descriptor_.close(EBADF);
  while (!paused_.empty()) paused_.front().finish(network_.loop(), EBADF);
  if (!unlink_path_.empty()) ::unlink(unlink_path_.c_str());
  unlink_path_.clear();
}

Result<Address> Listener::local() const {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(descriptor_.borrow(), reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
    return fail("getsockname", "", errno);
  }
  return Address::from_kernel(storage, length);
}

UniqueFd Listener::accept_one(int& code) noexcept {
  UniqueFd fd(::accept4(descriptor_.borrow(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  code = fd ? 0 : errno;
  auto& governor = network_.governor_;
  if (code == EAGAIN) descriptor_.blocked(Direction::kRead);
  if (code == EMFILE) governor.add(&GovernorCounters::exhausted_process);
  if (code == ENFILE) governor.add(&GovernorCounters::exhausted_system);
  if (code == ENOBUFS || code == ENOMEM) governor.add(&GovernorCounters::exhausted_memory);
  if (code != 0 && code != EINTR && verdict_on(code) == Verdict::kNext) {
    governor.add(&GovernorCounters::aborted);
  }
  return fd;
}

Listener::Taken Listener::take(std::source_location site) {
  auto& governor = network_.governor_;
  for (int tries = 0; tries < kAcceptsPerTurn; ++tries) {
    if (!descriptor_.open()) return {.error = EBADF};
    if (paused() || !descriptor_.ready(Direction::kRead)) return {.step = Step::kRead};
    const bool fits = governor.admit();
    const bool from_reserve = !fits && is_admin() && governor.lend(ReserveFor::kAdmin);
    if (!fits && !from_reserve) {
      const Room room = make_room(0);
      if (room == Room::kNone) return {.step = Step::kRead};
      if (room == Room::kAnswered) continue;
    }
    int code = 0;
    UniqueFd fd = accept_one(code);
    if (fd) {
      if (!fits) descriptor_.blocked(Direction::kRead);  // ask epoll whether there is another
      return taken_of(std::move(fd), from_reserve, site);
    }
    if (from_reserve) governor.give_back(ReserveFor::kAdmin);
    const Verdict verdict = verdict_on(code);
    if (verdict == Verdict::kFatal) return {.error = code};
    if (verdict == Verdict::kExhausted && make_room(code) == Room::kNone) {
      return {.step = Step::kRead};
    }
  }
  return {.step = Step::kAgain};
}

Listener::Taken Listener::taken_of(UniqueFd fd, bool from_reserve, std::source_location site) {
  auto& governor = network_.governor_;
  auto stream = network_.make_stream(std::move(fd), stream_kind_, Idleness::kSilent, site);
  if (!stream) {  // no memory in the kernel to watch it: it has been closed, as if it had aborted
    if (from_reserve) governor.give_back(ReserveFor::kAdmin);
    governor.add(&GovernorCounters::aborted);
    return {.step = Step::kAgain};
  }
  if (from_reserve) stream->core().owe_reserve();
  if (is_admin()) stream->core().set_idleness(Idleness::kBusy);
  if (options_.tls != nullptr) {
    auto session = TlsSession::make(*options_.tls, {});
    if (!session) return {.step = Step::kAgain};
    stream->core().start_tls(*std::move(session));
  }
  governor.add(&GovernorCounters::accepted);
  pause_ = governor.options().pause_first;
  starved_since_.reset();
  if (std::exchange(shrunk_, false)) ::listen(descriptor_.borrow(), options_.backlog);
  return {.stream = *std::move(stream)};
}

Listener::Room Listener::make_room(int code) {
  if (network_.shed_one()) return Room::kPlace;
  network_.governor_.ask_others_to_shed(network_);
  // The reserve is of descriptors; what the kernel lacks for ENOBUFS, only time brings.
  const bool memory = code == ENOBUFS || code == ENOMEM;
  if (!memory && into_lobby()) return Room::kAnswered;
  pause();
  return Room::kNone;
}

// Lets one newcomer into the lobby. False: there is no place, or the table is full even so.
bool Listener::into_lobby() {
  auto& governor = network_.governor_;
  auto& lobby = *network_.lobby_;
  if (!governor.lend(ReserveFor::kLobby) &&
      !(lobby.free_a_place() && governor.lend(ReserveFor::kLobby))) {
    return false;
  }
  int code = 0;
  UniqueFd fd = accept_one(code);
  if (!fd) {
    governor.give_back(ReserveFor::kLobby);
    return verdict_on(code) != Verdict::kExhausted;
  }
  const bool words = !busy_.empty();
  governor.add(words ? &GovernorCounters::answered_busy : &GovernorCounters::turned_away);
  governor.note(words ? GovernorEvent::kAnsweredBusy : GovernorEvent::kTurnedAway);
  lobby.enter(std::move(fd), busy_);
  descriptor_.blocked(Direction::kRead);  // whether another one waits, the next event says
  return true;
}

// Until the back-off is over, a visitor of the lobby can go, a silent connection is old enough to
// be closed, or any descriptor of plumb's is closed, whichever comes first.
void Listener::pause() noexcept {
  auto& governor = network_.governor_;
  const auto now = steady_clock::now();
  paused_since_ = now;
  if (!starved_since_) starved_since_ = now;
  governor.add(&GovernorCounters::pauses);
  governor.note(GovernorEvent::kPaused);
  std::chrono::nanoseconds wait = is_admin() ? governor.options().pause_first : pause_;
  for (const auto next : {network_.next_ripe(), network_.lobby_->next_place()}) {
    if (next) wait = std::min<std::chrono::nanoseconds>(wait, *next - now);
  }
  pause_ = std::min(pause_ * 2, governor.options().pause_most);
  resume_timer_.arm(std::max<std::chrono::nanoseconds>(wait, std::chrono::milliseconds(1)));
  governor.budget().watch();
  if (!shrunk_ && !is_admin() && now - *starved_since_ > governor.options().shrink_after) {
    shrunk_ = true;
    ::listen(descriptor_.borrow(), kSmallBacklog);
    governor.add(&GovernorCounters::shrunk);
    governor.note(GovernorEvent::kShrunk);
  }
}

void Listener::resume() noexcept {
  if (!paused_since_) return;
  resume_timer_.cancel();
  const auto paused = steady_clock::now() - *std::exchange(paused_since_, std::nullopt);
  auto& governor = network_.governor_;
  governor.add(&GovernorCounters::paused_ns,
               static_cast<std::uint64_t>(std::chrono::nanoseconds(paused).count()));
  governor.note(GovernorEvent::kResumed);
  while (!paused_.empty()) paused_.front().finish(network_.loop(), 0);
}

Listener::Accept Listener::accept(std::source_location site) {
  return Accept(*this, site);
}

Step Listener::Accept::attempt() {
  taken_ = listener_.take(site_);
  return taken_.step;
}

void Listener::Accept::wait_for(Step step) {
  if (listener_.paused()) {
    listener_.paused_.push_back(*this);
  } else {
    IoWait::wait_for(step);
  }
}

Result<Stream> Listener::Accept::await_resume() {
  if (taken_.stream) return *std::move(taken_.stream);
  const int code = ended_early() != 0 ? ended_early() : taken_.error;
  return fail("accept", "", code);
}

}  // namespace plumb::runtime
