// SPDX-License-Identifier: Apache-2.0
// Datagrams: a UDP or unix datagram socket that its loop owns. Messages keep their boundaries, may
// be lost, doubled and reordered (UDP), and one that did not fit says so. Descriptors that a peer
// attaches to a unix datagram are refused: the kernel closes them, as no room for them is given.
// Threads: those of its loop only.
#pragma once

#include <memory>
#include <source_location>
#include <span>
#include <string>

#include "plumb/base/result.h"
#include "plumb/net/address.h"
#include "plumb/net/buffer.h"
#include "plumb/net/io_wait.h"

namespace plumb::runtime {

class Datagrams {
 public:
  struct Received {
    Bytes bytes;             // into the memory that was given
    Address from;            // family 0 for an unnamed unix socket
    bool truncated = false;  // the rest of it is lost
  };

  // Errors: socket, bind (EADDRINUSE, EACCES). A unix socket's file is removed with the object.
  static Result<std::unique_ptr<Datagrams>> bind(
      Loop& loop, const Address& address,
      std::source_location site = std::source_location::current());
  // Bound by the kernel; sends to and hears from `peer` only, and learns of its absence
  // (ECONNREFUSED) at the next call.
  static Result<std::unique_ptr<Datagrams>> connect(
      Loop& loop, const Address& peer, std::source_location site = std::source_location::current());
  ~Datagrams();
  Datagrams(const Datagrams&) = delete;
  Datagrams& operator=(const Datagrams&) = delete;

  // The next one. Errors: ECANCELED, ETIMEDOUT, EBADF, the socket's own.
  class Receive;
  [[nodiscard]] Receive receive(std::span<std::byte> into);

  // All of it or an error (EMSGSIZE: too long for the socket). `to` has family 0 when connected.
  class Send;
  [[nodiscard]] Send send(Bytes bytes, const Address& to = {});

  Result<Address> local() const;
  void close() noexcept { descriptor_.close(EBADF); }

 private:
  Datagrams(Loop& loop, DescriptorKind kind, std::source_location site)
      : descriptor_(loop, kind, site) {}
  static Result<std::unique_ptr<Datagrams>> open(Loop& loop, const Address& like,
                                                 std::source_location site);

  Descriptor descriptor_;
  std::string unlink_path_;
};

class Datagrams::Receive : public IoWait {
 public:
  Receive(Datagrams& socket, std::span<std::byte> into) noexcept : socket_(socket), into_(into) {}
  Result<Received> await_resume() const;

 private:
  Step attempt() override;
  Descriptor& descriptor() override { return socket_.descriptor_; }
  Datagrams& socket_;
  std::span<std::byte> into_;
  Received received_;
  int error_ = 0;
};

class Datagrams::Send : public IoWait {
 public:
  Send(Datagrams& socket, Bytes bytes, const Address& to) noexcept
      : socket_(socket), bytes_(bytes), to_(to) {}
  Result<void> await_resume() const;

 private:
  Step attempt() override;
  Descriptor& descriptor() override { return socket_.descriptor_; }
  Datagrams& socket_;
  Bytes bytes_;
  Address to_;
  int error_ = 0;
};

}  // namespace plumb::runtime
