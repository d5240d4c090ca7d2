// SPDX-License-Identifier: Apache-2.0
// Answers, from values to the bytes of the output.
#include "server_connection.h"

#include <algorithm>
#include <array>
#include <cerrno>

namespace plumb::runtime {
namespace {

// What moves with the bytes that a head's views point into.
std::string_view moved(std::string_view view, const char* from, const char* to) {
  if (view.data() == nullptr) return view;
  return {to + (view.data() - from), view.size()};
}

bool has_body(const http::Framing& framing) noexcept {
  return framing.kind == http::BodyKind::kChunked ||
         (framing.kind == http::BodyKind::kLength && framing.length != 0);
}

}  // namespace

void Server::State::report(std::string_view target, const Error& error) {
  ++counters.errors;
  if (options.on_error) options.on_error(target, error);
}

ServerConnection::ServerConnection(Server::State& of, Stream on)
    : server(of),
      stream(std::move(on)),
      input(stream.buffer()),
      output(stream.buffer()),
      parser(of.options.limits) {
  server.connections.push_back(*this);
  ++server.connection_count;
  ++server.counters.connections;
}

ServerConnection::~ServerConnection() {
  --server.connection_count;
}

void ServerConnection::body_came(std::size_t bytes, std::chrono::nanoseconds waited) noexcept {
  body_received_ += bytes;
  body_waited_ += waited;
}

std::chrono::nanoseconds ServerConnection::body_patience() const noexcept {
  const std::chrono::nanoseconds most = server.options.patience.body;
  const std::uint64_t rate = server.options.patience.body_rate;
  if (rate == 0) return most;
  constexpr std::uint64_t kDay = 86'400;
  const std::chrono::seconds earned(std::min(body_received_ / rate, kDay));
  return std::clamp<std::chrono::nanoseconds>(most + earned - body_waited_, {}, most);
}

Router::Found ServerConnection::keep_request(const http::RequestHead& head, std::size_t consumed) {
  request_ = std::make_unique<Request>();
  Request& kept = *request_;
  const char* const from = input.text().data();
  kept.head_text_.assign(from, consumed);
  const char* const to = kept.head_text_.data();
  kept.head_ = head;
  kept.head_.method_text = moved(head.method_text, from, to);
  kept.head_.target = moved(head.target, from, to);
  kept.head_.host = moved(head.host, from, to);
  kept.head_.fields = head.fields.moved(from, to);
  body_ended = !has_body(head.framing);
  wants_continue = head.expects_continue && !body_ended;
  body_received_ = 0;
  body_waited_ = {};
  begun = false;
  // The end of a message without a body needs no bytes; asked now, as none may come.
  if (body_ended) parser.next({});
  return server.routes.find(kept);
}

void ServerConnection::forget_request() noexcept {
  request_.reset();
  coder.reset();
  if (taken != 0) input.consume(std::exchange(taken, 0));
}

void ServerConnection::keep_body(std::string body) {
  request_->body_text_ = std::move(body);
  request_->body_ = request_->body_text_;
}

std::span<const http::Field> ServerConnection::fields_of(const Response& response) {
  auto& fields = server.fields;
  fields.clear();
  fields.push_back({"Date", server.date.now()});
  if (!response.type().empty()) fields.push_back({"Content-Type", response.type()});
  for (const auto& field : response.fields()) fields.push_back(field.view());
  return fields;
}

http::Encoded ServerConnection::encode_head(const http::RequestHead& request, const Response& head,
                                            http::BodyLength length,
                                            std::span<const http::Field> fields) {
  // Few descriptors are left: whoever has his answer makes room (measure 1 of the governor).
  const bool ends = server.stopping || server.network.governor().pressure();
  const http::ResponsePlan plan{
      .peer = request.version,
      .method = request.method,
      .status = head.status(),
      .body = length,
      .peer_wish = request.framing.persistence,
      .own_wish = ends ? http::Persistence::kClose : http::Persistence::kKeep,
      .upgrade = head.upgrade(),
  };
  server.head.clear();
  return http::encode(plan, fields, server.head);
}

// What an encoded head means for the connection.
Result<void> ServerConnection::settle(const http::Encoded& encoded, std::string_view target,
                                      int status) {
  if (encoded.refusal) {
    std::string object(http::name(*encoded.refusal));
    if (!encoded.object.empty()) object.append(" ").append(encoded.object);
    const Error error = fail("answer", object, EINVAL, std::string(http::advice(*encoded.refusal)));
    server.report(target, error);
    return error;
  }
  output.append(bytes_of(server.head));
  writer = encoded.body;
  begun = true;
  closing = writer.framing().persistence == http::Persistence::kClose;
  ++server.counters.responses[status / 100 % 6];
  return {};
}

Result<void> ServerConnection::add_head(const http::RequestHead& request, const Response& head,
                                        http::BodyLength length) {
  const auto fields = fields_of(head);
  if (server.options.codings.empty() || length.is_none()) {
    return settle(encode_head(request, head, length, fields), request.target, head.status());
  }
  const auto asked = request.fields.list();
  const auto decision = http::decide_encode({.method = request.method,
                                             .request = asked,
                                             .status = head.status(),
                                             .response = fields,
                                             .length = length.bytes()},
                                            {.offered = server.options.codings});
  // The encoder must see fields of framing that a handler set, in order to refuse them.
  if (!decision.coding) {
    const bool varies = decision.fields.size() > fields.size();
    if (varies) server.fields.push_back({"Vary", "Accept-Encoding"});
    return settle(encode_head(request, head, length, server.fields), request.target, head.status());
  }
  auto made = http::Encoder::make(*decision.coding);
  if (!made) {
    return settle(encode_head(request, head, length, fields), request.target, head.status());
  }
  coder.emplace(*std::move(made));
  std::vector<http::Field> coded;
  for (const auto& field : decision.fields) coded.push_back(field.view());
  return settle(encode_head(request, head, http::BodyLength::unknown(), coded), request.target,
                head.status());
}

Result<void> ServerConnection::add_piece(std::string_view piece) {
  http::BodyWriter::Piece framed;
  if (const auto refusal = writer.content(piece.size(), framed)) {
    closing = true;
    return fail("write body", std::string(http::name(*refusal)), EINVAL,
                std::string(http::advice(*refusal)));
  }
  if (!writer.sends_content()) return {};
  output.append(bytes_of(framed.prefix()));
  output.append(bytes_of(piece));
  output.append(bytes_of(framed.suffix));
  return {};
}

Result<void> ServerConnection::add_content(std::string_view content, http::Flush flush) {
  if (!begun) return fail("write body", "", EINVAL, "begin() comes first");
  if (!coder) return content.empty() ? Result<void>() : add_piece(content);
  std::array<char, 16 * 1024> room;
  for (;;) {
    const auto step = coder->next(content, room, flush);
    content.remove_prefix(step.consumed);
    if (step.produced != 0) {
      if (auto added = add_piece({room.data(), step.produced}); !added) return added;
    }
    const bool flushed = flush == http::Flush::kNone ? step.produced == 0 : step.ended;
    if (content.empty() && flushed) return {};
  }
}

Result<void> ServerConnection::add_end(std::span<const http::Field> trailers) {
  if (!begun) return fail("end body", "", EINVAL, "begin() comes first");
  if (coder) {
    if (auto added = add_content({}, http::Flush::kEnd); !added) return added;
    coder.reset();
  }
  server.head.clear();
  if (const auto refusal = writer.end(server.head, trailers)) {
    if (*refusal == http::Refusal::kLessThanPromised) closing = true;
    return fail("end body", std::string(http::name(*refusal)), EINVAL,
                std::string(http::advice(*refusal)));
  }
  output.append(bytes_of(server.head));
  return {};
}

Result<void> ServerConnection::add_whole(const http::RequestHead& request, Response& response) {
  const auto& options = server.options;
  const auto length = http::BodyLength::known(response.body().size());
  if (response.body().size() < 256 || options.codings.empty()) {
    const auto encoded = encode_head(request, response, length, fields_of(response));
    if (auto settled = settle(encoded, request.target, response.status()); !settled) return settled;
  } else if (auto added = add_head(request, response, length); !added) {
    return added;
  }
  if (!response.body().empty()) {
    if (auto added = add_content(response.body(), http::Flush::kNone); !added) return added;
  }
  return add_end({});
}

void ServerConnection::answer(const http::RequestHead& request, Response& response) {
  if (add_whole(request, response)) return;
  if (begun) return;  // of a head that was sent: the connection breaks off
  Response trouble = Response::plain(500);
  [[maybe_unused]] const auto added = add_whole(request, trouble);
}

void ServerConnection::refuse(int status) {
  http::RequestHead nobody;
  nobody.method = http::Method::kGet;
  nobody.framing.persistence = http::Persistence::kClose;
  Response response = Response::plain(status == 0 ? 400 : status);
  answer(nobody, response);
  closing = lingers = true;
}

Result<void> ServerConnection::add_switch(const http::RequestHead& request, const Response& head,
                                          std::string_view protocol) {
  const http::ResponsePlan plan{
      .peer = request.version, .method = request.method, .status = 101, .upgrade = protocol};
  std::vector<http::Field> fields;
  for (const auto& field : head.fields()) fields.push_back(field.view());
  server.head.clear();
  if (auto settled = settle(http::encode(plan, fields, server.head), request.target, 101); !settled)
    return settled;
  upgraded = closing = true;
  return {};
}

}  // namespace plumb::runtime
