// SPDX-License-Identifier: Apache-2.0
// Decoding of captured pieces.
#include "detect/source/capture_decode.h"

#include <algorithm>
#include <cstring>

#include "detect/source/bpf/capture_abi.h"

namespace plumb::detect {
namespace {

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::optional<CapturePiece> decode_capture(std::span<const std::byte> bytes) {
  capture_event event;
  if (bytes.size() < sizeof event) return std::nullopt;
  std::memcpy(&event, bytes.data(), sizeof event);
  const auto data = bytes.subspan(sizeof event);
  if (event.front > CAPTURE_FRONT || event.tail > CAPTURE_TAIL) return std::nullopt;
  const std::uint64_t kept = std::uint64_t{event.front} + event.tail;
  if (kept > data.size() || kept > event.total) return std::nullopt;
  if (event.what < CAPTURE_DATA || event.what > CAPTURE_FORKED) return std::nullopt;

  CapturePiece piece;
  piece.what = static_cast<CapturePiece::What>(event.what - CAPTURE_DATA);
  piece.sent = (event.bits & CAPTURE_SENT) != 0;
  piece.late = (event.bits & CAPTURE_LATE) != 0;
  piece.called = (event.bits & CAPTURE_CALLED) != 0;
  piece.accepted = (event.bits & CAPTURE_ACCEPTED) != 0;
  piece.tls = (event.bits & CAPTURE_TLS) != 0;
  piece.time = BootTime(std::chrono::nanoseconds(static_cast<std::int64_t>(event.time)));
  piece.socket = SocketInode{event.socket};
  piece.pid = Pid{event.pid};
  piece.fd = Fd{event.fd};
  const char* comm = reinterpret_cast<const char*>(event.comm);
  piece.name.assign(comm, ::strnlen(comm, sizeof event.comm));
  piece.family = event.family;
  std::copy(std::begin(event.local), std::end(event.local), piece.local.address.begin());
  std::copy(std::begin(event.remote), std::end(event.remote), piece.remote.address.begin());
  piece.local.port = event.local_port;
  piece.remote.port = event.remote_port;
  piece.lost = event.lost;
  piece.total = event.total;
  piece.front = text_of(data.first(event.front));
  piece.tail = text_of(data.subspan(event.front, event.tail));
  return piece;
}

}  // namespace plumb::detect
