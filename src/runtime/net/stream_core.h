// SPDX-License-Identifier: Apache-2.0
// StreamCore: what a Stream owns at a fixed address: the descriptor, TLS if any, and its place
// among the idle connections of its network.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string>

#include "plumb/loop/descriptor.h"
#include "plumb/net/stream.h"
#include "tls_session.h"

namespace plumb::runtime {

using ErrorPtr = std::unique_ptr<Error>;

class StreamCore : public ListNode {
 public:
  StreamCore(Network& network, DescriptorKind kind, std::source_location site);
  ~StreamCore();

  Network& network() const noexcept { return network_; }
  Descriptor& descriptor() noexcept { return descriptor_; }
  TlsSession* tls() const noexcept { return tls_.get(); }
  void start_tls(std::unique_ptr<TlsSession> session) noexcept { tls_ = std::move(session); }

  // One attempt. Nothing and kDone: failed, see `error`. Nothing and another step: wait for it.
  std::optional<std::size_t> read_once(std::span<std::byte> into, Step& step, ErrorPtr& error);
  std::optional<std::size_t> write_once(Bytes bytes, Step& step, ErrorPtr& error);
  // The TLS handshake, and the end of what is said: true when done.
  bool handshake_once(Step& step, ErrorPtr& error);
  bool finish_once(Step& step, ErrorPtr& error);

  void close() noexcept;
  void abort() noexcept;
  UniqueFd detach() noexcept;

  void set_idleness(Idleness idleness) noexcept;
  Idleness idleness() const noexcept { return idleness_; }
  std::chrono::steady_clock::time_point idle_since() const noexcept { return idle_since_; }
  // The governor closes it to make room; false if bytes have come that nobody has read yet.
  bool shed() noexcept;
  bool was_shed() const noexcept { return shed_; }

  // The descriptor took the place of one of the admin reserve, to which it returns.
  void owe_reserve() noexcept { owes_reserve_ = true; }

 private:
  std::optional<std::size_t> read_plain(std::span<std::byte> into, Step& step, ErrorPtr& error);
  std::optional<std::size_t> write_plain(Bytes bytes, Step& step, ErrorPtr& error);
  std::optional<std::size_t> read_tls(std::span<std::byte> into, Step& step, ErrorPtr& error);
  std::optional<std::size_t> write_tls(Bytes bytes, Step& step, ErrorPtr& error);
  bool send_ciphertext(Step& step, ErrorPtr& error);
  bool receive_ciphertext(Step& step, ErrorPtr& error);
  bool refuse_closed(Step& step, ErrorPtr& error) const;
  void closed() noexcept;

  Network& network_;
  Descriptor descriptor_;
  std::unique_ptr<TlsSession> tls_;
  std::chrono::steady_clock::time_point idle_since_{};
  Idleness idleness_ = Idleness::kBusy;
  bool shed_ = false;
  bool owes_reserve_ = false;
  bool goodbye_said_ = false;
};

}  // namespace plumb::runtime
