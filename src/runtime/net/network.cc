// SPDX-License-Identifier: Apache-2.0
// Making listeners and connections, and giving idle ones up.
#include "plumb/net/network.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "lobby.h"
#include "plumb/net/tls.h"
#include "stream_core.h"

namespace plumb::runtime {
namespace {

DescriptorKind kind_of(int fd) noexcept {
  int domain = 0;
  socklen_t length = sizeof domain;
  ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length);
  return domain == AF_UNIX ? DescriptorKind::kUnix : DescriptorKind::kTcp;
}

int pending_error(int fd) noexcept {
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
  return error;
}

}  // namespace

Network::Network(Loop& loop, AcceptGovernor* governor)
    : loop_(loop),
      own_governor_(governor == nullptr ? std::make_unique<AcceptGovernor>(loop.budget())
                                        : nullptr),
      governor_(governor == nullptr ? *own_governor_ : *governor),
      lobby_(std::make_unique<Lobby>(*this)) {
  governor_.join(*this, loop.poster());
}

Network::~Network() {
  governor_.leave(*this);
  lobby_.reset();
  if (streams_ == 0 && listeners_.empty()) return;
  std::fprintf(stderr, "plumb: a network ended before its %zu streams and its listeners\n",
               streams_);
  std::abort();
}

std::size_t Network::lobby_visitors() const noexcept {
  return lobby_->visitors();
}

Result<std::unique_ptr<Listener>> Network::listen(const Address& address,
                                                  const ListenOptions& options,
                                                  std::source_location site) {
  std::unique_ptr<Listener> listener(new Listener(*this, options, site));
  if (auto opened = listener->open(address); !opened) return std::move(opened).error();
  return listener;
}

Result<Stream> Network::make_stream(UniqueFd fd, DescriptorKind kind, Idleness idleness,
                                    std::source_location site) {
  auto core = std::make_unique<StreamCore>(*this, kind, site);
  if (auto attached = core->descriptor().attach(std::move(fd)); !attached) {
    return std::move(attached).error();
  }
  core->set_idleness(idleness);
  return Stream(std::move(core));
}

Result<Stream> Network::adopt(UniqueFd connected, const TlsContext* tls,
                              std::source_location site) {
  const int flags = ::fcntl(connected.get(), F_GETFL);
  if (flags < 0 || ::fcntl(connected.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return fail("set non-blocking", "descriptor " + std::to_string(connected.get()), errno);
  }
  const DescriptorKind kind = kind_of(connected.get());
  auto stream = make_stream(std::move(connected), kind, Idleness::kBusy, site);
  if (stream && tls != nullptr) {
    auto session = TlsSession::make(*tls, "");
    if (!session) return std::move(session).error();
    stream->core().start_tls(*std::move(session));
  }
  return stream;
}

Result<Stream> Network::adopt(Handover handover, const TlsContext* tls, std::source_location site) {
  auto stream = adopt(std::move(handover.fd_), tls, site);
  handover.budget_.released();  // it was counted all the time on its way
  return stream;
}

Result<std::pair<Stream, Stream>> Network::pair(std::source_location site) {
  auto ends = UniqueFd::socket_pair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK);
  if (!ends) return std::move(ends).error();
  auto first = make_stream(std::move(ends->first), DescriptorKind::kUnix, Idleness::kBusy, site);
  if (!first) return std::move(first).error();
  auto second = make_stream(std::move(ends->second), DescriptorKind::kUnix, Idleness::kBusy, site);
  if (!second) return std::move(second).error();
  return std::pair(*std::move(first), *std::move(second));
}

Task<Result<Stream>> Network::connect(Address address, ConnectOptions options,
                                      std::source_location site) {
  auto fd = UniqueFd::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK, 0);
  while (!fd && (fd.error().code == EMFILE || fd.error().code == ENFILE) && shed_one()) {
    fd = UniqueFd::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK, 0);
  }
  if (!fd) co_return std::move(fd).error();
  const int one = 1;
  if (!address.is_unix()) {
    ::setsockopt(fd->get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }
  const auto failed = [&](int code) { return fail("connect", address.text(), code); };
  // EAGAIN of a unix socket: the listener's queue is full, and no event tells when it is not.
  int code = ::connect(fd->get(), address.raw(), address.length()) == 0 ? 0 : errno;
  for (auto pause = std::chrono::milliseconds(1); code == EAGAIN; pause *= 2) {
    if (auto slept = co_await sleep(pause, site); !slept) co_return failed(slept.error().code);
    code = ::connect(fd->get(), address.raw(), address.length()) == 0 ? 0 : errno;
  }
  const bool waits = code == EINPROGRESS || code == EINTR;
  if (code != 0 && !waits) co_return failed(code);
  const auto kind = address.is_unix() ? DescriptorKind::kUnix : DescriptorKind::kTcp;
  auto stream = make_stream(*std::move(fd), kind, Idleness::kBusy, site);
  if (!stream) co_return stream;
  if (waits) {
    Descriptor& descriptor = stream->core().descriptor();
    descriptor.blocked(Direction::kWrite);
    if (auto ready = co_await descriptor.writable(); !ready) co_return failed(ready.error().code);
    if (const int error = pending_error(descriptor.borrow()); error != 0) co_return failed(error);
  }
  if (options.tls != nullptr) {
    auto secured = co_await stream->secure(*options.tls, options.server_name);
    if (!secured) co_return std::move(secured).error();
  }
  co_return stream;
}

bool Network::shed_one() {
  const auto shed_from = [&](List<StreamCore>& line, std::uint64_t GovernorCounters::*counter) {
    while (!line.empty()) {
      StreamCore& oldest = line.front();
      if (&line == &silent_ &&
          loop_.now() - oldest.idle_since() < governor_.options().silent_grace) {
        return false;
      }
      if (oldest.shed()) {
        governor_.add(counter);
        governor_.note(GovernorEvent::kShed);
        return true;
      }
      oldest.set_idleness(Idleness::kBusy);  // it has just spoken
    }
    return false;
  };
  return shed_from(upstream_, &GovernorCounters::shed_upstream) ||
         shed_from(between_, &GovernorCounters::shed_between) ||
         shed_from(silent_, &GovernorCounters::shed_silent);
}

std::optional<std::chrono::steady_clock::time_point> Network::next_ripe() noexcept {
  if (silent_.empty()) return std::nullopt;
  return silent_.front().idle_since() + governor_.options().silent_grace;
}

void Network::descriptors_came_free() {
  governor_.rearm();
  listeners_.for_each([](Listener& listener) { listener.resume(); });
}

}  // namespace plumb::runtime
