// SPDX-License-Identifier: Apache-2.0
// Asking: redirects around retries around round trips.
#include "plumb/web/client.h"

#include <algorithm>
#include <cerrno>

#include "base64.h"
#include "decode_body.h"
#include "plumb/http/encoder.h"
#include "plumb/http/field_text.h"
#include "pool.h"
#include "round_trip.h"

namespace plumb::runtime {
namespace {

using http::same_ignoring_case;

// One question as it goes to one address.
struct Question {
  std::string method;
  Url url;
  std::string_view body;
  BodySource* source = nullptr;
  std::span<const http::Field> fields;
  bool foreign = false;  // another origin than the caller's: no credentials
};

// What came of it. A connection that is still in it goes back when it ends.
class Asked {
 public:
  Asked() = default;
  Asked(Asked&& other) noexcept
      : head(std::move(other.head)),
        body(std::move(other.body)),
        connection(std::exchange(other.connection, nullptr)) {}
  Asked& operator=(Asked&&) = delete;
  ~Asked() {
    if (connection != nullptr) connection->pool.give_back(*connection);
  }

  ReplyHead head;
  std::string body;
  ClientConnection* connection = nullptr;  // none: the answer has been read to its end
};

// A connection in hand: closed, unless it is let go, whatever ends the task that has it.
class Held {
 public:
  explicit Held(ClientConnection& connection) noexcept : connection_(&connection) {}
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() {
    if (connection_ != nullptr) connection_->pool.drop(*connection_, 0);
  }
  ClientConnection* let_go() noexcept { return std::exchange(connection_, nullptr); }

 private:
  ClientConnection* connection_;
};

bool has_field(std::span<const http::Field> fields, std::string_view name) {
  return std::ranges::any_of(
      fields, [&](const http::Field& field) { return same_ignoring_case(field.name, name); });
}

// RFC 9110 section 9.2.2.
bool may_be_asked_twice(std::string_view method) {
  switch (http::method_of(method)) {
    case http::Method::kGet:
    case http::Method::kHead:
    case http::Method::kPut:
    case http::Method::kDelete:
    case http::Method::kOptions:
    case http::Method::kTrace:
      return true;
    default:
      return false;
  }
}

bool is_secret(std::string_view name) {
  return same_ignoring_case(name, "authorization") || same_ignoring_case(name, "cookie") ||
         same_ignoring_case(name, "proxy-authorization");
}

http::BodyLength length_of(const Question& question) {
  if (question.source != nullptr) {
    const auto bytes = question.source->length();
    return bytes ? http::BodyLength::known(*bytes) : http::BodyLength::unknown();
  }
  return question.body.empty() ? http::BodyLength::none()
                               : http::BodyLength::known(question.body.size());
}

Error refused(http::Refusal refusal, std::string_view object) {
  return fail("ask", std::string(http::name(refusal)) + " " + std::string(object), EINVAL,
              std::string(http::advice(refusal)));
}

// Writes the request's head into the connection's output; gives what frames its body.
Result<http::BodyWriter> encode_question(const Question& question, const Pool& pool,
                                         ClientConnection& connection) {
  const Url* const proxy = pool.proxy_for(question.url);
  const bool by_proxy = proxy != nullptr && question.url.scheme == Scheme::kHttp;
  const std::string host = question.url.authority();
  const std::string target = by_proxy ? question.url.text() : question.url.target;
  std::vector<http::Field> fields;
  for (const auto& field : question.fields) {
    if (!question.foreign || !is_secret(field.name)) fields.push_back(field);
  }
  std::string own;
  std::string proxys;
  if (!question.url.user_info.empty() && !has_field(fields, "authorization")) {
    own = "Basic " + base64(question.url.user_info);
    fields.push_back({"Authorization", own});
  }
  if (by_proxy && !proxy->user_info.empty()) {
    proxys = "Basic " + base64(proxy->user_info);
    fields.push_back({"Proxy-Authorization", proxys});
  }
  if (!has_field(fields, "user-agent")) fields.push_back({"User-Agent", "plumb"});
  if (!has_field(fields, "accept")) fields.push_back({"Accept", "*/*"});
  if (pool.options.decode && !has_field(fields, "accept-encoding") && !has_field(fields, "range")) {
    fields.push_back({"Accept-Encoding", "gzip, br, zstd"});
  }
  std::string text;
  const auto encoded = http::encode(
      {.method = question.method, .target = target, .host = host, .body = length_of(question)},
      fields, text);
  if (encoded.refusal) return refused(*encoded.refusal, encoded.object);
  connection.output.append(bytes_of(text));
  connection.parser.expect({.method = http::method_of(question.method)});
  connection.heard = connection.message_ended = connection.peer_finished = false;
  connection.keeps = true;
  connection.drained = 0;
  return encoded.body;
}

// Sends the head and what the source gives, a piece at a time. A peer that takes no more of it may
// have refused it with words: those are still to be read.
Task<Result<void>> send_from(BodySource& source, ClientConnection& connection,
                             http::BodyWriter writer) {
  while (!writer.ended()) {
    const auto piece = co_await source.next();
    if (!piece) co_return piece.error();
    auto& output = connection.output;
    http::BodyWriter::Piece frame;
    std::string end;
    const auto refusal = piece->empty() ? writer.end(end) : writer.content(piece->size(), frame);
    if (refusal) co_return refused(*refusal, "body");
    for (const std::string_view part :
         {frame.prefix(), *piece, frame.suffix, std::string_view(end)}) {
      output.append(bytes_of(part));
    }
    const auto bound = co_await deadline(connection.pool.options.patience.head);
    auto sent = co_await connection.stream.write(output.bytes());
    output.clear();
    if (sent) continue;
    if (sent.error().code == ETIMEDOUT || sent.error().code == ECANCELED) co_return sent;
    connection.keeps = false;
    break;
  }
  co_return Result<void>();
}

// Asks until an answer has come or nothing more can be tried.
Task<Result<Asked>> ask_once(Pool& pool, const Question& question, Until until, std::size_t most) {
  const bool once = question.source != nullptr;
  for (auto wanted = once ? Pool::Wanted::kFresh : Pool::Wanted::kAny;;
       wanted = Pool::Wanted::kFresh) {
    auto got = co_await pool.acquire(question.url, wanted);
    if (!got) co_return std::move(got).error();
    ClientConnection& connection = **got;
    Held held(connection);
    auto encoded = encode_question(question, pool, connection);
    if (!encoded) co_return std::move(encoded).error();
    if (once) {
      auto sent = co_await send_from(*question.source, connection, *std::move(encoded));
      if (!sent) co_return std::move(sent).error();
    }
    Asked asked;
    auto outcome =
        co_await RoundTrip(connection, question.body, until, asked.body, most, asked.head);
    if (outcome) {
      held.let_go();
      if (connection.message_ended) {
        pool.give_back(connection);
      } else {
        asked.connection = &connection;
      }
      co_return asked;
    }
    const int code = outcome.error().code;
    const bool dead = !connection.heard && (code == ECONNRESET || code == EPIPE || code == EBADF ||
                                            code == ECONNABORTED);
    if (once || !dead || !connection.reused || !may_be_asked_twice(question.method)) {
      Error error = std::move(outcome).error();
      if (error.object.empty()) error.object = question.url.text();
      co_return error;
    }
    ++pool.counters.retries;
  }
}

// Where a redirect leads; nothing: it is none that is followed. RFC 9110 section 15.4.
std::optional<Result<Url>> redirected(const ReplyHead& head, Question& question) {
  const int status = head.status();
  const bool redirects =
      status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  const auto location = head.field("location");
  if (!redirects || !location) return std::nullopt;
  auto url = question.url.resolve(*location);
  const bool becomes_get =
      status == 303 || ((status == 301 || status == 302) && question.method == "POST");
  if (becomes_get && question.method != "HEAD") {
    question.method = "GET";
    question.body = {};
    question.source = nullptr;
  }
  if (question.source != nullptr) return std::nullopt;
  return url;
}

// Follows redirects.
Task<Result<Asked>> ask(Pool& pool, Question& question, Until until, std::size_t most) {
  const std::string origin = question.url.origin();
  for (unsigned left = pool.options.redirects;; --left) {
    auto asked = co_await ask_once(pool, question, until, most);
    if (!asked) co_return asked;
    auto next = redirected(asked->head, question);
    if (!next || pool.options.redirects == 0) co_return asked;
    if (left == 0) co_return fail("follow redirects", question.url.text(), ELOOP);
    if (!*next) co_return std::move(*next).error();
    question.url = **std::move(next);
    question.foreign = question.url.origin() != origin;
  }
}

Result<Question> question_of(const Pool& pool, const FetchRequest& request) {
  if (!pool.verdict()) return pool.verdict().error();
  auto url = Url::parse(request.url);
  if (!url) return std::move(url).error();
  return Question{.method = std::string(request.method),
                  .url = *std::move(url),
                  .body = request.body,
                  .source = request.source,
                  .fields = request.fields};
}

std::chrono::nanoseconds limit_of(const FetchRequest& request) {
  if (request.timeout.count() == 0) return Loop::kForever;
  return request.timeout;
}

}  // namespace

Client::Client(Network& network, ClientOptions options)
    : pool_(std::make_unique<Pool>(network, std::move(options))) {}
Client::~Client() = default;

ClientStats Client::stats() const {
  return pool_->stats();
}

Task<Result<Reply>> Client::fetch(FetchRequest request, std::source_location at) {
  ++pool_->site_of(at).requests;
  auto question = question_of(*pool_, request);
  if (!question) co_return std::move(question).error();
  const auto bound = co_await deadline(limit_of(request));
  auto asked = co_await ask(*pool_, *question, Until::kEnd, request.most);
  if (!asked) co_return std::move(asked).error();
  if (pool_->options.decode) {
    auto decoded = decode_whole(asked->head, std::move(asked->body), request.most);
    if (!decoded) co_return std::move(decoded).error();
    asked->body = *std::move(decoded);
  }
  Reply reply;
  reply.head = std::move(asked->head);
  reply.body = std::move(asked->body);
  reply.url = question->url.text();
  co_return reply;
}

Task<Result<LiveReply>> Client::open(FetchRequest request, std::source_location at) {
  Pool& pool = *pool_;
  CallSite& site = pool.site_of(at);
  ++site.requests;
  auto question = question_of(pool, request);
  if (!question) co_return std::move(question).error();
  const auto bound = co_await deadline(limit_of(request));
  auto asked = co_await ask(pool, *question, Until::kHead, 0);
  if (!asked) co_return std::move(asked).error();
  std::shared_ptr<LeaseSlot> slot;
  if (asked->connection != nullptr) {
    slot = pool.lease(*std::exchange(asked->connection, nullptr), site, question->url.text());
  }
  LiveReply reply(std::move(slot), std::move(asked->head), question->url.text());
  if (reply.status() >= 400) {
    if (auto read = co_await reply.read_ahead(pool.options.error_buffer); !read) {
      co_return std::move(read).error();
    }
  }
  if (pool.options.decode) {
    if (auto made = reply.make_decoder(); !made) co_return std::move(made).error();
  }
  co_return reply;
}

}  // namespace plumb::runtime
