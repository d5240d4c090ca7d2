// SPDX-License-Identifier: Apache-2.0
// The exchanges of an observed connection: where messages begin and end, and who is to blame.
#include <algorithm>

#include "http/observer_state.h"
#include "plumb/base/text.h"
#include "plumb/http/field_text.h"

namespace plumb::http {
namespace {

Limits observer_limits() {
  Limits limits;
  limits.body = kNoBodyLimit;
  return limits;
}

}  // namespace

void Observer::State::blame(Stream& stream, Fault fault) {
  ObservedExchange* exchange = stream.exchange;
  if (exchange == nullptr || exchange->flaws.size() >= limits.flaws) return;
  exchange->flaws.push_back({fault, stream.side, stream.passed});
}

ObservedExchange& Observer::State::add_exchange() {
  if (open.size() >= limits.exchanges) {
    for (Stream* stream : {&client, &server}) {
      if (stream->exchange != &open.front()) continue;
      stream->exchange = nullptr;
      stream->phase = Stream::Phase::kLost;
    }
    open.pop_front();
    ++dropped;
  }
  return open.emplace_back();
}

// The exchange that the next response belongs to: the oldest without one.
ObservedExchange* Observer::State::unanswered() {
  for (ObservedExchange& exchange : open) {
    if (!exchange.response) return &exchange;
  }
  return nullptr;
}

// Where the request is not known, anything may be its answer.
RequestContext Observer::State::context() {
  const ObservedExchange* const exchange = unanswered();
  if (exchange == nullptr || !exchange->request) return {Method::kGet, true};
  const auto& fields = exchange->request->fields;
  const bool upgrade = std::any_of(fields.begin(), fields.end(), [](const ObservedField& field) {
    return same_ignoring_case(field.name, "upgrade");
  });
  return {method_of(exchange->request->method), upgrade};
}

Progress* Observer::State::progress(const Stream& stream) {
  if (stream.exchange == nullptr) return nullptr;
  auto& [request, response, interim, flaws] = *stream.exchange;
  if (stream.side == Side::kClient) return request ? &request->progress : nullptr;
  return response ? &response->progress : nullptr;
}

void Observer::State::count_content(const Stream& stream, std::uint64_t size, BootTime when) {
  if (stream.exchange == nullptr) return;
  if (stream.side == Side::kClient && stream.exchange->request) {
    stream.exchange->request->content += size;
    stream.exchange->request->last = when;
  } else if (stream.side == Side::kServer && stream.exchange->response) {
    stream.exchange->response->content += size;
    stream.exchange->response->last = when;
  }
}

// Hands out the exchanges at the front whose both messages came to an end.
void Observer::State::settle() {
  const auto over = [](Progress progress) {
    return progress == Progress::kComplete || progress == Progress::kCut;
  };
  while (!open.empty()) {
    const ObservedExchange& front = open.front();
    const bool answered = front.response && over(front.response->progress);
    const bool asked = !front.request || over(front.request->progress);
    if (!answered || !asked) return;
    if (complete.size() >= limits.exchanges) {
      complete.erase(complete.begin());
      ++dropped;
    }
    complete.push_back(std::move(open.front()));
    open.pop_front();
  }
}

void Observer::State::message_ends(Stream& stream, Progress how) {
  if (Progress* const now = progress(stream)) *now = how;
  const bool switched = stream.side == Side::kServer && stream.exchange != nullptr &&
                        stream.exchange->response &&
                        stream.exchange->response->framing.kind == BodyKind::kTunnel;
  stream.exchange = nullptr;
  stream.pending.clear();
  stream.phase = Stream::Phase::kHead;
  if (switched) client.phase = server.phase = Stream::Phase::kTunnel;
  settle();
}

void Observer::State::body_begins(Stream& stream) {
  const bool request = stream.side == Side::kClient;
  const Framing& framing =
      request ? stream.exchange->request->framing : stream.exchange->response->framing;
  stream.body = BodyParser(framing, observer_limits());
  stream.phase = Stream::Phase::kBody;
  *progress(stream) = Progress::kBody;
  if (stream.body.complete()) message_ends(stream, Progress::kComplete);
}

void Observer::State::request_head(const LenientHead& head, BootTime when) {
  ObservedExchange& exchange = add_exchange();
  client.exchange = &exchange;
  ObservedRequest& request = exchange.request.emplace();
  request.method = head.first;
  request.target = head.second;
  request.host = head.find("host");
  request.version = head.version;
  request.fields = head.fields;
  request.framing = judge_request(head.framing, head.version, method_of(head.first)).framing;
  request.began = client.began;
  request.last = when;
}

void Observer::State::response_head(const LenientHead& head, BootTime when) {
  const RequestContext asked = context();
  ObservedExchange* const waiting = unanswered();
  ObservedExchange& exchange = waiting != nullptr ? *waiting : add_exchange();
  server.exchange = &exchange;
  ObservedResponse& response = exchange.response.emplace();
  response.status = parse_number<int>(head.second).value_or(0);
  response.reason = head.third;
  response.version = head.version;
  response.fields = head.fields;
  response.framing = judge_response(head.framing, head.version, response.status, asked).framing;
  response.began = server.began;
  response.last = when;
}

// `text` is the head, or what there is of it where `cut` says what became of the rest.
void Observer::State::head_done(Stream& stream, std::string_view text, std::optional<Fault> cut,
                                BootTime when) {
  const LenientHead head = read_lenient(stream.side, text);
  const RequestContext asked = context();
  const bool response = stream.side == Side::kServer;
  const bool unasked = response && unanswered() == nullptr && !late;
  stream.known = true;
  if (response)
    response_head(head, when);
  else
    request_head(head, when);
  if (unasked) blame(stream, Fault::kUnsolicitedResponse);
  const auto fault = cut ? cut : strict_fault(stream.side, text, asked);
  if (fault) blame(stream, *fault);
  if (response) {
    ObservedExchange& exchange = *stream.exchange;
    const int status = exchange.response->status;
    if (exchange.response->framing.kind == BodyKind::kUnframed) {
      blame(stream, Fault::kUnframedResponse);
    }
    if (status >= 100 && status <= 199 && status != 101) {
      ++exchange.interim;
      exchange.response.reset();
      stream.exchange = nullptr;
      stream.phase = Stream::Phase::kHead;
      return;
    }
  }
  body_begins(stream);
}

}  // namespace plumb::http
