// SPDX-License-Identifier: Apache-2.0
// Events as lines, and the one who watches for the client's departure.
#include "plumb/web/event_stream.h"

#include <cerrno>

#include "server_connection.h"

namespace plumb::runtime {
namespace {

constexpr std::size_t kMostHeard = 16 * 1024;

bool has_line_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

// A line break within the data begins another data line; CR, LF and CRLF are line breaks.
void append_data(std::string& out, std::string_view data) {
  for (;;) {
    const std::size_t end = data.find_first_of("\r\n");
    out.append("data: ").append(data.substr(0, end)).append("\n");
    if (end == std::string_view::npos) return;
    data.remove_prefix(data.substr(end, 2) == "\r\n" ? end + 2 : end + 1);
  }
}

}  // namespace

EventStream::EventStream(Exchange& exchange, const EventStreamOptions& options, Context& body)
    : exchange_(exchange),
      heartbeat_(options.heartbeat),
      body_(body),
      timer_(exchange.loop(), [this] { beat(); }) {}

Exchange::Send EventStream::send(const ServerEvent& event) {
  if (has_line_break(event.event) || has_line_break(event.id)) {
    return exchange_.failed(fail("send event", "", EINVAL, "a type or id is one line"));
  }
  std::string text;
  if (!event.event.empty()) text.append("event: ").append(event.event).append("\n");
  if (!event.id.empty()) text.append("id: ").append(event.id).append("\n");
  if (event.retry) text.append("retry: ").append(std::to_string(event.retry->count())).append("\n");
  if (event.data.data() != nullptr) append_data(text, event.data);
  text += "\n";
  return exchange_.write_copy(text);
}

std::string_view EventStream::last_id() const {
  return exchange_.request().field("last-event-id").value_or(std::string_view());
}

Task<Result<void>> EventStream::begin() {
  Response head(200);
  head.set_type("text/event-stream");
  // A coding would keep a window of state for each client, and an event within it until the next.
  head.set("Cache-Control", "no-cache, no-transform");
  if (auto begun = exchange_.begin(head); !begun) co_return begun;
  auto sent = co_await exchange_.flush();
  if (!sent) co_return sent;
  timer_.arm(heartbeat_);
  on_readable();
  co_return sent;
}

// A client that goes on talking is read, so that its end is seen behind it; a little is kept for
// the next request, which is unusual but allowed.
void EventStream::on_readable() {
  Buffer& heard = exchange_.input();
  for (;;) {
    const auto got = exchange_.stream().try_read(heard);
    if (got && !*got) return watch(exchange_.stream());
    if (!got || **got == 0 || heard.size() > kMostHeard) return body_.cancel();
  }
}

void EventStream::beat() {
  const auto left = exchange_.nudge(":\n");
  if (!left || (*left != 0 && *left == unsent_)) return body_.cancel();
  unsent_ = *left;
  timer_.arm(heartbeat_);
}

}  // namespace plumb::runtime
