// SPDX-License-Identifier: Apache-2.0
// From an address to a connection over which its requests can be sent: name, race, proxy, TLS.
#include <cerrno>

#include "base64.h"
#include "connect_race.h"
#include "plumb/http/encoder.h"
#include "pool.h"

namespace plumb::runtime {

Result<const TlsContext*> Pool::tls() {
  if (options.tls != nullptr) return options.tls;
  if (!own_tls_) {
    auto made = TlsContext::client({});
    if (!made) return std::move(made).error();
    own_tls_.emplace(*std::move(made));
  }
  return &*own_tls_;
}

Task<Result<Stream>> Pool::dial(const Url& url, const Url* proxy) {
  const Url& first = proxy != nullptr ? *proxy : url;
  auto addresses = co_await resolver_.resolve(first.host, first.port);
  if (!addresses) co_return std::move(addresses).error();
  auto stream = co_await connect_first(network, *std::move(addresses));
  if (!stream || url.scheme == Scheme::kHttp) co_return stream;
  const auto context = tls();
  if (!context) co_return context.error();
  if (proxy != nullptr) {
    if (auto through = co_await tunnel(*stream, url, *proxy); !through) {
      co_return std::move(through).error();
    }
  }
  if (auto secured = co_await stream->secure(**context, url.host); !secured) {
    Error error = std::move(secured).error();
    error.object = url.host;
    co_return error;
  }
  co_return stream;
}

// CONNECT (RFC 9110 section 9.3.6).
Task<Result<void>> Pool::tunnel(Stream& stream, const Url& url, const Url& proxy) {
  std::string target = url.origin().substr(8);
  std::string credentials = "Basic " + base64(proxy.user_info);
  std::vector<http::Field> fields;
  if (!proxy.user_info.empty()) fields.push_back({"Proxy-Authorization", credentials});
  std::string request;
  const auto encoded =
      http::encode({.method = "CONNECT", .target = target, .host = target}, fields, request);
  if (encoded.refusal) {
    co_return fail("connect by proxy", target, EINVAL, std::string(http::name(*encoded.refusal)));
  }
  if (auto sent = co_await stream.write(request); !sent) co_return sent;
  http::ResponseParser parser(options.limits);
  parser.expect({.method = http::Method::kConnect});
  Buffer input = stream.buffer();
  for (;;) {
    const auto step = parser.next(input.text());
    if (step.event == http::Event::kHead && !parser.head().interim()) {
      const int status = parser.head().status;
      if (status < 200 || status > 299) {
        co_return fail("connect by proxy", proxy.origin(), EBUSY,
                       "it answers " + std::to_string(status));
      }
      input.consume(step.consumed);
      if (input.empty()) co_return Result<void>();
      co_return fail("connect by proxy", proxy.origin(), EPROTO, "it speaks before it is asked");
    }
    if (step.event == http::Event::kFault) {
      co_return fail("connect by proxy", proxy.origin(), EPROTO,
                     std::string(http::name(parser.fault())));
    }
    input.consume(step.consumed);
    if (step.event != http::Event::kNeedMore) continue;
    const auto got = co_await stream.read(input);
    if (!got) co_return got.error();
    if (*got == 0) co_return fail("connect by proxy", proxy.origin(), ECONNRESET);
  }
}

}  // namespace plumb::runtime
