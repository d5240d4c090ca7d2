// SPDX-License-Identifier: Apache-2.0
// Reading from a lease, and the many ways of its end.
#include "plumb/web/reply.h"

#include <cerrno>

#include "decode_body.h"
#include "plumb/http/fault.h"
#include "pool.h"

namespace plumb::runtime {

ReplyHead::ReplyHead(const http::ResponseHead& head) : status_(head.status) {
  std::size_t size = 0;
  for (const auto& field : head.fields) size += field.name.size() + field.value.size();
  text_.reserve(size);
  places_.reserve(head.fields.size());
  for (const auto& field : head.fields) {
    const auto at = static_cast<std::uint32_t>(text_.size());
    const auto name_size = static_cast<std::uint32_t>(field.name.size());
    places_.push_back(
        {at, name_size, at + name_size, static_cast<std::uint32_t>(field.value.size())});
    text_.append(field.name).append(field.value);
  }
}

LiveReply::LiveReply(std::shared_ptr<LeaseSlot> slot, ReplyHead head, std::string url)
    : slot_(std::move(slot)), head_(std::move(head)), url_(std::move(url)) {
  raw_ended_ = slot_ == nullptr;
}

LiveReply::LiveReply(LiveReply&&) noexcept = default;

LiveReply& LiveReply::operator=(LiveReply&& other) noexcept {
  if (this == &other) return *this;
  end();
  slot_ = std::move(other.slot_);
  head_ = std::move(other.head_);
  url_ = std::move(other.url_);
  buffered_ = std::move(other.buffered_);
  decoder_ = std::move(other.decoder_);
  decoded_ = std::move(other.decoded_);
  coded_ = std::exchange(other.coded_, {});
  buffered_given_ = other.buffered_given_;
  coded_came_ = other.coded_came_;
  coded_ended_ = other.coded_ended_;
  raw_ended_ = other.raw_ended_;
  return *this;
}

LiveReply::~LiveReply() {
  end();
}

// The value may end on any thread and after everything else: only the slot is touched here, and the
// connection only on its loop's thread.
void LiveReply::end() noexcept {
  const std::shared_ptr<LeaseSlot> slot = std::exchange(slot_, nullptr);
  if (slot == nullptr) return;
  const auto finish = [slot] {
    if (slot->connection != nullptr) slot->pool->give_back(*slot->connection);
  };
  if (slot->owner == std::this_thread::get_id()) {
    finish();
  } else {
    slot->poster.post(finish);  // nobody reads it: the client has ended, and the connection with it
  }
}

bool LiveReply::holds() const noexcept {
  return slot_ != nullptr && slot_->connection != nullptr;
}

Result<void> LiveReply::make_decoder() {
  const auto coding = coding_of(head_);
  if (!coding) return {};
  auto made = http::Decoder::make(*coding, {.output = UINT64_MAX});
  if (!made) return std::move(made).error();
  decoder_.emplace(*std::move(made));
  return {};
}

Task<Result<void>> LiveReply::read_ahead(std::size_t most) {
  std::string text;
  while (text.size() < most) {
    const auto piece = co_await read_raw();
    if (!piece) co_return piece.error();
    if (piece->empty()) break;
    text.append(*piece);
  }
  buffered_ = std::move(text);
  buffered_given_ = false;
  co_return Result<void>();
}

Task<Result<std::string_view>> LiveReply::read_raw() {
  if (!buffered_given_) {
    buffered_given_ = true;
    if (!buffered_.empty()) co_return std::string_view(buffered_);
  }
  if (raw_ended_) co_return std::string_view();
  const auto slot = slot_;  // stays, whatever becomes of the lease meanwhile
  const auto lost = [&] {
    const int code = slot->ended_with;
    return fail(
        "read body", url_, code,
        code == ETIMEDOUT ? "nobody read from its lease" : "its connection has been closed");
  };
  if (slot->connection == nullptr) co_return lost();
  ClientConnection& connection = *slot->connection;
  connection.turn_page();
  for (;;) {
    const auto step = connection.parser.next(connection.input.text());
    if (step.event == http::Event::kBody) {
      connection.taken = step.consumed;
      connection.pool.rest(connection);
      co_return step.body;
    }
    connection.input.consume(step.consumed);
    if (step.event == http::Event::kEnd) {
      connection.message_ended = true;
      raw_ended_ = true;
      end();
      co_return std::string_view();
    }
    if (step.event != http::Event::kNeedMore) {
      const std::string flaw(http::name(connection.parser.fault()));
      connection.pool.drop(connection, EPROTO);
      co_return fail("read body", url_, EPROTO, flaw);
    }
    if (connection.peer_finished) {
      if (!connection.parser.closed()) continue;  // it ends with the connection: ends now
      connection.pool.drop(connection, ECONNRESET);
      co_return fail("read body", url_, ECONNRESET, "shorter than its head said");
    }
    connection.watch.unwatch();
    connection.timer.cancel();
    Result<std::size_t> got = 0;
    {
      const auto bound = co_await deadline(connection.pool.options.patience.body);
      got = co_await connection.stream.read(connection.input);
    }
    if (slot->connection == nullptr) co_return lost();
    if (!got) {
      connection.pool.drop(connection, got.error().code);
      Error error = std::move(got).error();
      error.object = url_;
      co_return error;
    }
    if (*got == 0) connection.peer_finished = true;
  }
}

Task<Result<std::string_view>> LiveReply::read() {
  if (!decoder_) co_return co_await read_raw();
  for (;;) {
    if (coded_.empty() && !coded_ended_) {
      const auto piece = co_await read_raw();
      if (!piece) co_return piece.error();
      coded_ = *piece;
      coded_ended_ = piece->empty();
      if (coded_ended_ && !coded_came_) co_return std::string_view();  // to HEAD, or 304
      coded_came_ = true;
    }
    decoded_.resize(16 * 1024);
    const auto step =
        decoder_->next(coded_, decoded_, coded_ended_ ? http::Last::kYes : http::Last::kNo);
    if (step.fault) {
      end();
      co_return coding_error(*step.fault);
    }
    coded_.remove_prefix(step.consumed);
    if (step.produced != 0) co_return std::string_view(decoded_).substr(0, step.produced);
    if (step.ended && coded_ended_) co_return std::string_view();
  }
}

Task<Result<std::string>> LiveReply::read_all(std::size_t most) {
  std::string body;
  for (;;) {
    const auto piece = co_await read();
    if (!piece) co_return piece.error();
    if (piece->empty()) co_return body;
    if (piece->size() > most - body.size()) {
      end();
      co_return fail("read body", url_, EMSGSIZE);
    }
    body.append(*piece);
  }
}

}  // namespace plumb::runtime
