// SPDX-License-Identifier: Apache-2.0
// The answers that a Client gives.
//
// Reply has been read to its end: it is bytes, and holds nothing. LiveReply is one whose body is
// still on its way: a lease of a pooled connection, as a value. Whatever becomes of the value, the
// lease ends: forgotten as an unnamed temporary, lost by an early return or an exception, erased
// with a container, left in a cancelled task, destroyed after its client or on another thread. At
// its end the rest of the body is read, at most 256 KiB and 50 ms of it, and the connection goes
// back to the pool; or else it is closed. A lease that nobody reads from ends by itself after a
// time, and a peer's FIN on it is seen at once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plumb/base/result.h"
#include "plumb/http/coding.h"
#include "plumb/http/head.h"
#include "plumb/loop/task.h"

namespace plumb::runtime {

class Pool;
struct LeaseSlot;

// Status and fields, copied.
class ReplyHead {
 public:
  ReplyHead() = default;
  explicit ReplyHead(const http::ResponseHead& head);

  int status() const noexcept { return status_; }
  http::Fields fields() const noexcept { return {text_.data(), places_.data(), places_.size()}; }
  // The first field of that name, in any case of letters.
  std::optional<std::string_view> field(std::string_view name) const { return fields().find(name); }

 private:
  int status_ = 0;
  std::string text_;
  std::vector<http::FieldPlace> places_;
};

struct Reply {
  ReplyHead head;
  std::string body;  // decoded
  std::string url;   // that answered, after redirects

  int status() const noexcept { return head.status(); }
};

class [[nodiscard]] LiveReply {
 public:
  LiveReply(LiveReply&&) noexcept;
  LiveReply& operator=(LiveReply&&) noexcept;
  ~LiveReply();

  const ReplyHead& head() const noexcept { return head_; }
  int status() const noexcept { return head_.status(); }
  const std::string& url() const noexcept { return url_; }

  // The next piece of the body, decoded, valid until the next call; empty at the end. Errors:
  // ECANCELED; ETIMEDOUT (the peer, or a lease of which nobody read); ECONNRESET (shorter than
  // promised, or the client has ended); EPROTO with the fault's or coding's name.
  Task<Result<std::string_view>> read();
  // All that is left. EMSGSIZE beyond `most`.
  Task<Result<std::string>> read_all(std::size_t most);

  // Whether a connection is still held for it.
  bool holds() const noexcept;

 private:
  friend class Client;
  LiveReply(std::shared_ptr<LeaseSlot> slot, ReplyHead head, std::string url);
  void end() noexcept;
  Result<void> make_decoder();
  // Reads at least `most` bytes, or all, before anybody asks for them.
  Task<Result<void>> read_ahead(std::size_t most);
  Task<Result<std::string_view>> read_raw();

  std::shared_ptr<LeaseSlot> slot_;  // none: the body is in buffered_
  ReplyHead head_;
  std::string url_;
  std::string buffered_;
  bool buffered_given_ = false;
  std::optional<http::Decoder> decoder_;
  std::string decoded_;
  std::string_view coded_;  // what the decoder has not taken yet
  bool coded_came_ = false;
  bool coded_ended_ = false;
  bool raw_ended_ = false;
};

}  // namespace plumb::runtime
