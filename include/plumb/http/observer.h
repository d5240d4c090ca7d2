// SPDX-License-Identifier: Apache-2.0
// Reads one connection's HTTP from outside, for the detective: never stops, names what is wrong,
// and always knows whose move it is.
//
// It is fed the bytes of both directions as a capture shows them: bounded (bytes may be missing
// behind the first few KiB of each write) and perhaps joined in the middle of a connection. Where
// it does not know where it stands it waits for something that begins like a message. It never
// fails; memory is bounded by ObserverLimits. One object for each connection, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plumb/base/clock.h"
#include "plumb/http/body_parser.h"
#include "plumb/http/fault.h"
#include "plumb/http/framing.h"
#include "plumb/http/limits.h"

namespace plumb::http {

enum class Side : std::uint8_t { kClient, kServer };

// A fault that was seen, and about where: `offset` is how many bytes of that side, seen or not,
// passed before the captured piece that showed it.
struct Flaw {
  Fault fault;
  Side side;
  std::uint64_t offset;

  friend bool operator==(const Flaw&, const Flaw&) = default;
};

struct ObservedField {
  std::string name;
  std::string value;
};

// How far one message got.
enum class Progress : std::uint8_t {
  kHead,  // its head is not complete
  kBody,  // its body is not complete
  kComplete,
  kCut,  // the connection ended inside it
};

struct ObservedRequest {
  std::string method;
  std::string target;
  std::string host;
  Version version = Version::kHttp11;
  std::vector<ObservedField> fields;
  Framing framing;
  std::uint64_t content = 0;  // bytes of the body that passed, seen or not
  Progress progress = Progress::kHead;
  BootTime began{};
  BootTime last{};  // of its last byte so far
};

struct ObservedResponse {
  int status = 0;
  std::string reason;
  Version version = Version::kHttp11;
  std::vector<ObservedField> fields;
  Framing framing;
  std::uint64_t content = 0;
  Progress progress = Progress::kHead;
  BootTime began{};
  BootTime last{};
};

// A request, its final response, and what was wrong with either. A response whose request passed
// before the capture began has none.
struct ObservedExchange {
  std::optional<ObservedRequest> request;
  std::optional<ObservedResponse> response;
  std::uint32_t interim = 0;  // 1xx responses before it
  std::vector<Flaw> flaws;
};

// Who must act for the connection to go on.
enum class Move : std::uint8_t {
  kUnknown,         // joined in the middle, and no message has begun since
  kNobody,          // idle: every request is answered
  kClientRequest,   // the client must finish its request
  kServerResponse,  // the server must begin its response
  kServerBody,      // the server must finish its response: the head said how long it is
  kServerClose,     // the response ends with the connection, as the server announced: it must close
  kUnframed,  // the response has no end: the client waits for it, the server for a request; the
              // server (or the proxy that sent it) must close or have framed it
  kTunnel,    // no longer HTTP
  kClosed,
};

std::string_view name(Move move) noexcept;

struct ObserverLimits {
  std::uint32_t head = 32 * 1024;  // bytes of a head that are kept; more is passed over
  std::uint32_t exchanges = 256;   // unanswered and untaken exchanges; the oldest go
  std::uint32_t flaws = 32;        // for each exchange
};

class Observer {
 public:
  explicit Observer(const ObserverLimits& limits = {});
  Observer(Observer&&) noexcept;
  Observer& operator=(Observer&&) noexcept;
  ~Observer();

  // Bytes that `from` sent, at `when`.
  void bytes(Side from, std::string_view data, BootTime when);

  // `count` more bytes that `from` sent, which were not captured. They are taken as content where
  // the framing says so; elsewhere the side is lost until something begins like a message.
  void gap(Side from, std::uint64_t count, BootTime when);

  // `from` will send no more (FIN, RST or close).
  void closed(Side from, BootTime when);

  // The capture began inside a living connection: the first bytes may be of anything.
  void joined_late();

  Move move() const;

  // Exchanges that are complete, oldest first; hands each out once.
  std::vector<ObservedExchange> take_complete();

  // The exchanges in progress, oldest first: the front is what the connection is waiting for.
  const std::deque<ObservedExchange>& open() const;

  // Bytes of that side that came after the end of a message and begin none.
  std::uint64_t stray(Side side) const;

  std::uint64_t dropped() const;  // exchanges that the limit pushed out

 private:
  struct Stream;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace plumb::http
