// SPDX-License-Identifier: Apache-2.0
// One attempt at a time: reading and writing, in the clear and in TLS.
#include "stream_core.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "plumb/net/network.h"

namespace plumb::runtime {
namespace {

constexpr std::size_t kScratch = 17 * 1024;  // one TLS record with its overhead

}  // namespace

StreamCore::StreamCore(Network& network, DescriptorKind kind, std::source_location site)
    : network_(network), descriptor_(network.loop(), kind, site) {
  ++network_.streams_;
}

StreamCore::~StreamCore() {
  close();
  --network_.streams_;
}

bool StreamCore::refuse_closed(Step& step, ErrorPtr& error) const {
  if (descriptor_.open()) return false;
  step = Step::kDone;
  error = std::make_unique<Error>(
      shed_ ? fail("use connection", "", ECONNABORTED, "closed to make room for others")
            : fail("use connection", "", EBADF, "it has been closed"));
  return true;
}

std::optional<std::size_t> StreamCore::read_once(std::span<std::byte> into, Step& step,
                                                 ErrorPtr& error) {
  if (refuse_closed(step, error)) return std::nullopt;
  const auto got = tls_ ? read_tls(into, step, error) : read_plain(into, step, error);
  if (got && idleness_ == Idleness::kSilent) set_idleness(Idleness::kBusy);
  return got;
}

std::optional<std::size_t> StreamCore::write_once(Bytes bytes, Step& step, ErrorPtr& error) {
  if (refuse_closed(step, error)) return std::nullopt;
  return tls_ ? write_tls(bytes, step, error) : write_plain(bytes, step, error);
}

std::optional<std::size_t> StreamCore::read_plain(std::span<std::byte> into, Step& step,
                                                  ErrorPtr& error) {
  step = Step::kRead;
  while (descriptor_.ready(Direction::kRead)) {
    const ssize_t got = ::recv(descriptor_.borrow(), into.data(), into.size(), 0);
    if (got >= 0) {
      if (static_cast<std::size_t>(got) < into.size()) descriptor_.drained();
      return static_cast<std::size_t>(got);
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      descriptor_.blocked(Direction::kRead);
      break;
    }
    step = Step::kDone;
    error = std::make_unique<Error>(fail("receive", "", errno));
    return std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::size_t> StreamCore::write_plain(Bytes bytes, Step& step, ErrorPtr& error) {
  step = Step::kWrite;
  while (descriptor_.ready(Direction::kWrite)) {
    const ssize_t sent = ::send(descriptor_.borrow(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      descriptor_.blocked(Direction::kWrite);
      break;
    }
    step = Step::kDone;
    error = std::make_unique<Error>(fail("send", "", errno));
    return std::nullopt;
  }
  return std::nullopt;
}

// True when nothing is left to send.
bool StreamCore::send_ciphertext(Step& step, ErrorPtr& error) {
  for (;;) {
    const Bytes output = tls_->output();
    if (output.empty()) return true;
    const auto sent = write_plain(output, step, error);
    if (!sent) return false;
    tls_->consume_output(*sent);
  }
}

// After OpenSSL asked for input. True: some was fed, ask it again.
bool StreamCore::receive_ciphertext(Step& step, ErrorPtr& error) {
  if (!send_ciphertext(step, error)) return false;
  auto& scratch = network_.scratch_;
  if (!scratch) scratch.reset(new std::byte[kScratch]);
  const auto got = read_plain({scratch.get(), kScratch}, step, error);
  if (!got) return false;
  if (*got == 0) {
    step = Step::kDone;
    error = std::make_unique<Error>(
        fail("speak TLS", "", EPROTO, "the peer ended without close_notify; data may be missing"));
    return false;
  }
  tls_->feed({scratch.get(), *got});
  if (idleness_ == Idleness::kSilent) set_idleness(Idleness::kSilent);  // it says hello: wait on
  return true;
}

std::optional<std::size_t> StreamCore::read_tls(std::span<std::byte> into, Step& step,
                                                ErrorPtr& error) {
  for (;;) {
    std::size_t got = 0;
    const auto said = tls_->read(into, got);
    if (said == TlsSession::Said::kWantsInput) {
      if (!receive_ciphertext(step, error)) return std::nullopt;
      continue;
    }
    // What OpenSSL has to say by itself (alerts, key updates) goes out as far as it can now.
    Step unused{};
    ErrorPtr ignored;
    send_ciphertext(unused, ignored);
    if (said == TlsSession::Said::kDone) return got;
    if (said == TlsSession::Said::kEnd) return 0;
    step = Step::kDone;
    error = std::make_unique<Error>(tls_->error());
    return std::nullopt;
  }
}

std::optional<std::size_t> StreamCore::write_tls(Bytes bytes, Step& step, ErrorPtr& error) {
  for (;;) {
    if (!send_ciphertext(step, error)) return std::nullopt;
    if (tls_->unreported != 0) return std::exchange(tls_->unreported, 0);
    std::size_t taken = 0;
    switch (tls_->write(bytes, taken)) {
      case TlsSession::Said::kDone:
        tls_->unreported = taken;
        continue;
      case TlsSession::Said::kWantsInput:
        if (!receive_ciphertext(step, error)) return std::nullopt;
        continue;
      default:
        step = Step::kDone;
        error = std::make_unique<Error>(tls_->error());
        return std::nullopt;
    }
  }
}

bool StreamCore::handshake_once(Step& step, ErrorPtr& error) {
  if (refuse_closed(step, error)) return false;
  while (tls_) {
    const auto said = tls_->handshake();
    if (said == TlsSession::Said::kDone) return send_ciphertext(step, error);
    if (said == TlsSession::Said::kWantsInput) {
      if (!receive_ciphertext(step, error)) return false;
      continue;
    }
    Step unused{};
    ErrorPtr ignored;
    send_ciphertext(unused, ignored);  // the alert that tells the peer why
    step = Step::kDone;
    error = std::make_unique<Error>(tls_->error());
    return false;
  }
  return true;
}

bool StreamCore::finish_once(Step& step, ErrorPtr& error) {
  if (refuse_closed(step, error)) return false;
  if (tls_) {
    if (!std::exchange(goodbye_said_, true) && tls_->say_goodbye() == TlsSession::Said::kFailed) {
      step = Step::kDone;
      error = std::make_unique<Error>(tls_->error());
      return false;
    }
    if (!send_ciphertext(step, error)) return false;
  }
  if (::shutdown(descriptor_.borrow(), SHUT_WR) != 0) {
    step = Step::kDone;
    error = std::make_unique<Error>(fail("shutdown", "", errno));
    return false;
  }
  return true;
}

void StreamCore::closed() noexcept {
  unlink();
  idleness_ = Idleness::kBusy;
  if (std::exchange(owes_reserve_, false)) network_.governor_.give_back(ReserveFor::kAdmin);
}

void StreamCore::close() noexcept {
  if (!descriptor_.open()) return;
  descriptor_.close();
  closed();
}

void StreamCore::abort() noexcept {
  if (!descriptor_.open()) return;
  const linger now{.l_onoff = 1, .l_linger = 0};
  // Fails on sockets without RST (unix); those end with the close that follows.
  ::setsockopt(descriptor_.borrow(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

UniqueFd StreamCore::detach() noexcept {
  UniqueFd fd = descriptor_.detach();
  closed();
  return fd;
}

void StreamCore::set_idleness(Idleness idleness) noexcept {
  unlink();
  idleness_ = idleness;
  if (idleness == Idleness::kBusy || !descriptor_.open()) return;
  idle_since_ = network_.loop().now();
  if (idleness == Idleness::kUpstream) network_.upstream_.push_back(*this);
  if (idleness == Idleness::kBetween) network_.between_.push_back(*this);
  if (idleness == Idleness::kSilent) network_.silent_.push_back(*this);
}

bool StreamCore::shed() noexcept {
  int unread = 0;
  if (::ioctl(descriptor_.borrow(), FIONREAD, &unread) == 0 && unread > 0) return false;
  shed_ = true;
  descriptor_.close(ECONNABORTED);
  closed();
  return true;
}

}  // namespace plumb::runtime
