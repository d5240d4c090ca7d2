// SPDX-License-Identifier: Apache-2.0
// One client's conversation: the pump until a request needs a task, that task, and so on to the
// end.
#include <array>
#include <cerrno>
#include <exception>

#include "plumb/base/holding.h"
#include "server_connection.h"

namespace plumb::runtime {
namespace {

// What a handler threw, as an error.
Error thrown(const std::exception_ptr& trouble) {
  try {
    std::rethrow_exception(trouble);
  } catch (const std::exception& exception) {
    return fail("handle request", "", 0, exception.what());
  } catch (...) {
    return fail("handle request", "", 0, "threw no std::exception");
  }
}

int status_of(const Error& error) {
  switch (error.code) {
    case EMSGSIZE:
      return 413;
    case ETIMEDOUT:
      return 408;
    default:
      return 400;
  }
}

// An answer from the whole body.
Task<> run_on_body(ServerConnection& connection, Exchange& exchange, const Route& route) {
  auto body = co_await exchange.read_all(route.options.body);
  if (!body) {
    connection.closing = true;
    if (body.error().code == ECONNRESET || body.error().code == ECANCELED) co_return;
    connection.refuse(status_of(body.error()));
    co_return;
  }
  connection.keep_body(*std::move(body));
  Response response;
  if (const auto* plain = std::get_if<PlainHandler>(&route.handler)) {
    response = (*plain)(connection.request());
  } else {
    response = co_await std::get<WaitingHandler>(route.handler)(connection.request());
  }
  connection.answer(connection.request().head(), response);
}

Task<> run_handler(ServerConnection& connection, Exchange& exchange, const Route& route) {
  Holding held("request", route.site);
  held.acquire(connection.server.network.loop().holdings(), route.pattern.c_str());
  if (const auto* streaming = std::get_if<StreamingHandler>(&route.handler)) {
    return (*streaming)(exchange);
  }
  return run_on_body(connection, exchange, route);
}

// Reads on to the end of the request's body, so that the next request can be found. What a client
// sends that was told no while it waited for 100 cannot be known (RFC 9110 section 10.1.1).
Task<> drain(ServerConnection& connection) {
  Exchange exchange(connection);
  std::size_t most = connection.server.options.drain;
  bool drained = !connection.wants_continue;
  while (drained && !connection.body_ended && !connection.closing) {
    const auto piece = co_await exchange.read();
    drained = piece && piece->size() <= most;
    if (drained) most -= piece->size();
  }
  if (!drained) connection.closing = connection.lingers = true;
}

// After the handler, whatever it did: the answer is whole, or breaks off.
void settle_answer(ServerConnection& connection, const std::exception_ptr& trouble) {
  auto& server = connection.server;
  const http::RequestHead& head = connection.request().head();
  if (trouble) server.report(head.target, thrown(trouble));
  if (connection.upgraded) return;
  if (!connection.begun && !(connection.closing && !trouble)) {
    if (!trouble) server.report(head.target, fail("handle request", "", 0, "gave no answer"));
    Response response = Response::plain(500);
    connection.answer(head, response);
  }
  if (connection.begun && !connection.writer.ended() && !trouble) {
    [[maybe_unused]] const auto ended = connection.add_end({});
  }
  if (connection.writer.ended()) return;
  ++server.counters.broken;
  connection.closing = true;
  // Only the connection's end tells this client that all has come: it must not look regular.
  if (connection.writer.framing().kind == http::BodyKind::kUntilClose) connection.stream.abort();
}

// The request's route; null: it has none, and has been answered.
const Route* route_of(ServerConnection& connection) {
  const auto found = connection.server.routes.find(connection.request());
  if (found.route == nullptr) {
    Response response = routed_status(found);
    connection.answer(connection.request().head(), response);
  }
  return found.route;
}

// A handler may run for days: what lives in this frame and in converse()'s is paid for each of
// them.
Task<> answer_request(ServerConnection& connection) {
  if (const Route* const route = route_of(connection); route != nullptr) {
    Exchange exchange(connection);
    std::exception_ptr trouble;
    try {
      co_await run_handler(connection, exchange, *route);
    } catch (...) {
      trouble = std::current_exception();
    }
    settle_answer(connection, trouble);
  }
  if (connection.upgraded) co_return;
  if (!connection.body_ended && !connection.closing) co_await drain(connection);
  connection.parser.resume();  // an upgrade that was asked for and not granted
  const bool connect = connection.request().head().method == http::Method::kConnect;
  if (connect || !connection.body_ended) connection.closing = connection.lingers = true;
}

// After the last answer, while the client may still be sending: a close now would reset the
// connection, and the reset might destroy the answer before the client has read it.
Task<> linger(ServerConnection& connection) {
  constexpr std::size_t kMostThrownAway = 16 * 1024 * 1024;
  Stream& stream = connection.stream;
  const auto bound = co_await deadline(connection.server.options.patience.linger);
  if (!co_await stream.finish()) co_return;
  connection.input.clear();
  for (std::size_t thrown_away = 0; thrown_away < kMostThrownAway;) {
    const auto got = co_await stream.read(connection.input);
    if (!got || *got == 0) co_return;
    thrown_away += *got;
    connection.input.clear();
  }
}

// Sends what is left to send.
class LastWords : public PatientWait {
 public:
  explicit LastWords(ServerConnection& connection)
      : PatientWait(connection.stream.core(), connection.server.options.patience.write),
        output_(connection.output) {}
  bool await_resume() const noexcept { return !failed(); }

 private:
  Step attempt() override {
    Step step = Step::kDone;
    while (!output_.empty()) {
      const auto sent = write_once(output_.bytes(), step);
      if (!sent) return step;
      output_.consume(*sent);
      progressed();
    }
    return Step::kDone;
  }
  Buffer& output_;
};

Task<> take_leave(ServerConnection& connection) {
  if (!co_await LastWords(connection)) co_return;
  if (connection.lingers) {
    co_await linger(connection);
  } else if (connection.stream.encrypted()) {
    const auto bound = co_await deadline(connection.server.options.patience.linger);
    [[maybe_unused]] const auto said = co_await connection.stream.finish();
  }
}

Task<RequestPump::Next> next_request(ServerConnection& connection) {
  co_return co_await RequestPump(connection);
}

}  // namespace

Response routed_status(const Router::Found& found) {
  if (found.status == 200) return Response(204).set("Allow", found.allow);
  Response response = Response::plain(found.status);
  if (!found.allow.empty()) response.set("Allow", found.allow);
  return response;
}

Response call_plain(Server::State& server, const Route& route, const Request& request) {
  try {
    return std::get<PlainHandler>(route.handler)(request);
  } catch (...) {
    server.report(request.target(), thrown(std::current_exception()));
    return Response::plain(500);
  }
}

Task<> converse(Server::State& server, Stream stream, ListenerClass listener_class) {
  ServerConnection connection(server, std::move(stream));
  connection.admin = listener_class == ListenerClass::kAdmin;
  RequestPump::Next next = RequestPump::Next::kEnd;
  do {
    next = co_await next_request(connection);
    if (next != RequestPump::Next::kExchange) continue;
    ++connection.answered;
    co_await answer_request(connection);
    connection.forget_request();
    if (connection.closing) next = RequestPump::Next::kClose;
  } while (next == RequestPump::Next::kExchange);
  if (next == RequestPump::Next::kClose) co_await take_leave(connection);
}

}  // namespace plumb::runtime
