// SPDX-License-Identifier: Apache-2.0
// Sending and receiving of datagrams.
#include "plumb/net/datagram.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace plumb::runtime {

Result<std::unique_ptr<Datagrams>> Datagrams::open(Loop& loop, const Address& like,
                                                   std::source_location site) {
  auto fd = UniqueFd::socket(like.family(), SOCK_DGRAM | SOCK_NONBLOCK, 0);
  if (!fd) return std::move(fd).error();
  const auto kind = like.is_unix() ? DescriptorKind::kUnix : DescriptorKind::kUdp;
  std::unique_ptr<Datagrams> socket(new Datagrams(loop, kind, site));
  if (auto attached = socket->descriptor_.attach(*std::move(fd)); !attached) {
    return std::move(attached).error();
  }
  return socket;
}

Result<std::unique_ptr<Datagrams>> Datagrams::bind(Loop& loop, const Address& address,
                                                   std::source_location site) {
  auto socket = open(loop, address, site);
  if (!socket) return socket;
  if (::bind((*socket)->descriptor_.borrow(), address.raw(), address.length()) != 0) {
    return fail("bind", address.text(), errno);
  }
  if (address.is_unix() && address.path().front() != '@') {
    (*socket)->unlink_path_ = address.path();
  }
  return socket;
}

Result<std::unique_ptr<Datagrams>> Datagrams::connect(Loop& loop, const Address& peer,
                                                      std::source_location site) {
  auto socket = open(loop, peer, site);
  if (!socket) return socket;
  if (::connect((*socket)->descriptor_.borrow(), peer.raw(), peer.length()) != 0) {
    return fail("connect", peer.text(), errno);
  }
  return socket;
}

Datagrams::~Datagrams() {
  if (!unlink_path_.empty()) ::unlink(unlink_path_.c_str());
}

Result<Address> Datagrams::local() const {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(descriptor_.borrow(), reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
    return fail("getsockname", "", errno);
  }
  return Address::from_kernel(storage, length);
}

Datagrams::Receive Datagrams::receive(std::span<std::byte> into) {
  return Receive(*this, into);
}
Datagrams::Send Datagrams::send(Bytes bytes, const Address& to) {
  return Send(*this, bytes, to);
}

Step Datagrams::Receive::attempt() {
  for (;;) {
    sockaddr_storage from{};
    iovec part{into_.data(), into_.size()};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    const ssize_t got = ::recvmsg(socket_.descriptor_.borrow(), &message, 0);
    if (got >= 0) {
      received_ = {into_.first(static_cast<std::size_t>(got)),
                   Address::from_kernel(from, message.msg_namelen),
                   (message.msg_flags & MSG_TRUNC) != 0};
      return Step::kDone;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      socket_.descriptor_.blocked(Direction::kRead);
      return Step::kRead;
    }
    error_ = errno;
    return Step::kDone;
  }
}

Result<Datagrams::Received> Datagrams::Receive::await_resume() const {
  const int code = ended_early() != 0 ? ended_early() : error_;
  if (code != 0) return fail("receive datagram", "", code);
  return received_;
}

Step Datagrams::Send::attempt() {
  for (;;) {
    // The structures are not const, though sendmsg(2) changes none of what they point at.
    iovec part{const_cast<std::byte*>(bytes_.data()), bytes_.size()};
    msghdr message{};
    if (to_.family() != AF_UNSPEC) {
      message.msg_name = const_cast<sockaddr*>(to_.raw());
      message.msg_namelen = to_.length();
    }
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (::sendmsg(socket_.descriptor_.borrow(), &message, MSG_NOSIGNAL) >= 0) return Step::kDone;
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      socket_.descriptor_.blocked(Direction::kWrite);
      return Step::kWrite;
    }
    error_ = errno;
    return Step::kDone;
  }
}

Result<void> Datagrams::Send::await_resume() const {
  const int code = ended_early() != 0 ? ended_early() : error_;
  if (code != 0) return fail("send datagram", to_.family() != 0 ? to_.text() : "", code);
  return {};
}

}  // namespace plumb::runtime
