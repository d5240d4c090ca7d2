// SPDX-License-Identifier: Apache-2.0
// How captured bytes, gaps and ends move the observer on.
#include "http/observer_state.h"

#include <algorithm>

#include "plumb/http/field_text.h"

namespace plumb::http {
namespace {

// How much is looked at to complete a chunk line that was cut between two captures.
constexpr std::size_t kSeam = 2048;

}  // namespace

std::size_t Observer::State::take_head(Stream& stream, std::string_view data, BootTime when) {
  if (stream.pending.empty()) {
    const std::size_t blank = std::min(data.find_first_not_of("\r\n"), data.size());
    if (blank > 0) return blank;
    if (!begins_message(stream.side, data)) {
      stream.astray = stream.known;
      stream.phase = Stream::Phase::kLost;
      stream.known = false;
      return 0;
    }
    stream.began = when;
  }
  // The empty line may lie across the seam: look for it from a little before.
  const std::size_t had = stream.pending.size();
  const std::size_t room = limits.head - std::min<std::size_t>(had, limits.head);
  stream.pending.append(data.substr(0, room));
  const std::size_t from = had > 3 ? had - 3 : 0;
  const auto found = head_size(std::string_view(stream.pending).substr(from));
  if (found) {
    const std::string text = std::move(stream.pending);
    stream.pending.clear();
    head_done(stream, std::string_view(text).substr(0, from + *found), std::nullopt, when);
    return from + *found - had;
  }
  if (stream.pending.size() >= limits.head) stream.phase = Stream::Phase::kHeadTail;
  return std::min(data.size(), room);
}

// Passes over the rest of a head of which the first part is kept, up to its empty line.
std::size_t Observer::State::skip_head_tail(Stream& stream, std::string_view data, BootTime when) {
  constexpr std::size_t kTail = 3;
  const std::size_t kept = stream.pending.size() - kTail;
  const std::string seam = stream.pending.substr(kept) + std::string(data);
  const auto found = head_size(seam);
  if (!found) {
    stream.pending.replace(kept, kTail, seam.substr(seam.size() - kTail));
    return data.size();
  }
  const std::string text = std::move(stream.pending);
  stream.pending.clear();
  head_done(stream, text, Fault::kHeadTooLarge, when);
  return *found > kTail ? *found - kTail : 0;
}

BodyStep Observer::State::step_body(Stream& stream, std::string_view data, BootTime when) {
  const BodyStep step = stream.body.next(data);
  count_content(stream, step.content.size(), when);
  if (step.what == BodyStep::What::kFault) {
    blame(stream, stream.body.fault());
    stream.phase = Stream::Phase::kLost;
  } else if (stream.body.complete()) {
    message_ends(stream, Progress::kComplete);
  }
  return step;
}

std::size_t Observer::State::take_body(Stream& stream, std::string_view data, BootTime when) {
  // Without its request a response to HEAD looks like the start of a body; the next head tells.
  const ObservedExchange* const exchange = stream.exchange;
  if (stream.side == Side::kServer && exchange != nullptr && !exchange->request &&
      exchange->response->content == 0 && stream.pending.empty() &&
      begins_message(Side::kServer, data)) {
    message_ends(stream, Progress::kComplete);
    return 0;
  }
  if (stream.pending.empty()) {
    const BodyStep step = step_body(stream, data, when);
    if (step.what != BodyStep::What::kNeedMore) return step.consumed;
    stream.pending.assign(data.substr(step.consumed));  // less than a line or a trailer section
    return data.size();
  }
  const std::size_t had = stream.pending.size();
  const std::size_t added = std::min(data.size(), kSeam);
  std::string joined = std::move(stream.pending);
  stream.pending.clear();
  joined.append(data.substr(0, added));
  const BodyStep step = step_body(stream, joined, when);
  if (step.what == BodyStep::What::kNeedMore) {
    stream.pending = joined.substr(step.consumed);
    return added;
  }
  return step.consumed >= had ? step.consumed - had : added;
}

// The end of such a body shows when a message begins, or as the last chunk at the end of a write.
std::size_t Observer::State::pass_lost_chunks(Stream& stream, std::string_view data,
                                              BootTime when) {
  if (begins_message(stream.side, data)) {
    message_ends(stream, Progress::kComplete);
    return 0;
  }
  count_content(stream, data.size(), when);
  if (data == "0\r\n\r\n" || data.ends_with("\r\n0\r\n\r\n"))
    message_ends(stream, Progress::kComplete);
  return data.size();
}

void Observer::State::bytes(Stream& stream, std::string_view data, BootTime when) {
  while (!data.empty()) {
    std::size_t used = data.size();
    switch (stream.phase) {
      case Stream::Phase::kLost:
        if (!begins_message(stream.side, data)) {
          if (stream.astray) stream.stray += data.size();
          break;
        }
        stream.astray = false;
        // What was in progress when the thread was lost must be over.
        if (stream.exchange != nullptr) message_ends(stream, Progress::kComplete);
        stream.phase = Stream::Phase::kHead;
        used = 0;
        break;
      case Stream::Phase::kHead:
        used = take_head(stream, data, when);
        break;
      case Stream::Phase::kHeadTail:
        used = skip_head_tail(stream, data, when);
        break;
      case Stream::Phase::kBody:
        used = take_body(stream, data, when);
        break;
      case Stream::Phase::kChunksLost:
        used = pass_lost_chunks(stream, data, when);
        break;
      case Stream::Phase::kTunnel:
      case Stream::Phase::kEnded:
        break;
    }
    stream.passed += used;
    data.remove_prefix(used);
  }
}

void Observer::State::gap(Stream& stream, std::uint64_t count, BootTime when) {
  if (count == 0) return;
  stream.passed += count;
  switch (stream.phase) {
    case Stream::Phase::kHead:
    case Stream::Phase::kHeadTail: {
      if (stream.pending.empty()) {
        stream.phase = Stream::Phase::kLost;
        return;
      }
      // What is there of the head is kept; its end, and perhaps its body's, lie in the gap.
      const std::string text = std::move(stream.pending);
      stream.pending.clear();
      const auto lines = std::string_view(text).substr(0, text.rfind('\n') + 1);
      head_done(stream, lines, Fault::kGapInHead, when);
      if (stream.phase != Stream::Phase::kTunnel) stream.phase = Stream::Phase::kLost;
      return;
    }
    case Stream::Phase::kBody: {
      const std::uint64_t inside = stream.pending.empty() ? stream.body.skip(count) : 0;
      count_content(stream, inside, when);
      if (inside == count) {
        if (stream.body.complete()) message_ends(stream, Progress::kComplete);
        return;
      }
      if (stream.body.complete()) {
        message_ends(stream, Progress::kComplete);
        stream.phase = Stream::Phase::kLost;
        return;
      }
      count_content(stream, count - inside, when);
      blame(stream, Fault::kGapInChunks);
      stream.pending.clear();
      stream.phase = Stream::Phase::kChunksLost;
      return;
    }
    case Stream::Phase::kChunksLost:
      count_content(stream, count, when);
      return;
    case Stream::Phase::kLost:
    case Stream::Phase::kTunnel:
    case Stream::Phase::kEnded:
      return;
  }
}

void Observer::State::closed(Stream& stream, BootTime when) {
  if (stream.phase == Stream::Phase::kEnded) return;
  if ((stream.phase == Stream::Phase::kHead || stream.phase == Stream::Phase::kHeadTail) &&
      !stream.pending.empty()) {
    const std::string text = std::move(stream.pending);
    stream.pending.clear();
    if (stream.side == Side::kClient)
      request_head(read_lenient(stream.side, text), when);
    else
      response_head(read_lenient(stream.side, text), when);
    blame(stream, Fault::kTruncatedHead);
    message_ends(stream, Progress::kCut);
  } else if (stream.exchange != nullptr) {
    const auto fault = stream.phase == Stream::Phase::kBody ? stream.body.closed() : std::nullopt;
    if (fault) blame(stream, *fault);
    message_ends(stream, fault ? Progress::kCut : Progress::kComplete);
  }
  stream.phase = Stream::Phase::kEnded;
  if (stream.side == Side::kClient) return;
  // Nothing will be answered any more.
  client.exchange = nullptr;
  client.phase = Stream::Phase::kEnded;
  while (!open.empty()) {
    if (open.front().request && open.front().request->progress != Progress::kComplete) {
      open.front().request->progress = Progress::kCut;
    }
    complete.push_back(std::move(open.front()));
    open.pop_front();
  }
}

Move Observer::State::move() const {
  if (server.phase == Stream::Phase::kEnded) return Move::kClosed;
  if (server.phase == Stream::Phase::kTunnel) return Move::kTunnel;
  if (open.empty()) {
    if (client.phase == Stream::Phase::kEnded) return Move::kClosed;
    if (!client.pending.empty()) return Move::kClientRequest;
    return client.known || server.known ? Move::kNobody : Move::kUnknown;
  }
  const ObservedExchange& front = open.front();
  if (front.response && front.response->progress != Progress::kComplete) {
    switch (front.response->framing.kind) {
      case BodyKind::kUntilClose:
        return Move::kServerClose;
      case BodyKind::kUnframed:
        return Move::kUnframed;
      default:
        return Move::kServerBody;
    }
  }
  if (front.request && front.request->progress == Progress::kBody && front.request->content == 0 &&
      front.interim == 0) {
    for (const ObservedField& field : front.request->fields) {
      if (same_ignoring_case(field.name, "expect")) return Move::kServerResponse;
    }
  }
  if (front.request && front.request->progress != Progress::kComplete) return Move::kClientRequest;
  return Move::kServerResponse;
}

}  // namespace plumb::http
