// SPDX-License-Identifier: Apache-2.0
// RoundTrip: a request out, an answer's head (or all of it) in, as one wait.
#pragma once

#include <string>
#include <string_view>

#include "plumb/web/patient_wait.h"
#include "pool.h"

namespace plumb::runtime {

// How much of the answer is wanted.
enum class Until : std::uint8_t { kHead, kEnd };

class RoundTrip : public PatientWait {
 public:
  // The connection's output holds the request's head; `body` follows it. With kEnd the content goes
  // to `into`, at most `most` bytes of it.
  RoundTrip(ClientConnection& connection, std::string_view body, Until until, std::string& into,
            std::size_t most, ReplyHead& head);

  // Errors: the stream's; EPROTO with the fault's name; ECONNRESET for an end before the answer's;
  // EMSGSIZE beyond `most`.
  Result<void> await_resume();

 private:
  Step attempt() override;
  bool send(Step& step);
  bool parse(Step& step);
  Step broken(std::string object, int code);

  ClientConnection& connection_;
  std::string_view body_;
  std::string& into_;
  std::size_t most_;
  ReplyHead& head_;
  Until until_;
  bool has_head_ = false;
};

}  // namespace plumb::runtime
