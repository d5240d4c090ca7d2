// SPDX-License-Identifier: Apache-2.0
// Exchanges and connections as records.
#include <fmt/format.h>

#include "detect/report/describe.h"
#include "detect/report/http_document.h"
#include "detect/report/list.h"
#include "detect/report/pieces.h"
#include "detect/report/records.h"

namespace plumb::detect {
namespace {

constexpr int kExchangeSchema = 1;
constexpr int kConnectionSchema = 1;
constexpr int kCaptureSchema = 1;

std::string_view name_of(http::Version version) {
  return version == http::Version::kHttp10 ? "HTTP/1.0" : "HTTP/1.1";
}

std::string_view name_of(http::Progress progress) {
  switch (progress) {
    case http::Progress::kHead:
      return "head";
    case http::Progress::kBody:
      return "body";
    case http::Progress::kComplete:
      return "complete";
    case http::Progress::kCut:
      return "cut";
  }
  return "head";
}

void write_fields(JsonWriter& json, const std::vector<http::ObservedField>& fields,
                  Secrets secrets) {
  json.open_list("fields");
  for (const http::ObservedField& field : fields) {
    json.open_element();
    json.member("name", std::string_view(field.name));
    json.member("value", std::string_view(masked_value(field.name, field.value, secrets)));
    json.close_object();
  }
  json.close_list();
}

void write_message(JsonWriter& json, http::Version version, const http::Framing& framing,
                   std::uint64_t content, http::Progress progress, BootTime began, BootTime last) {
  json.member("version", name_of(version));
  json.member("framing", http::name(framing.kind));
  if (framing.kind == http::BodyKind::kLength) json.member("length", framing.length);
  json.member("content", content);
  json.member("progress", name_of(progress));
  json.member("began_seconds", began.time_since_epoch());
  json.member("last_seconds", last.time_since_epoch());
}

void write_exchange(JsonWriter& json, const HttpDocument& document, const Exchange& exchange) {
  const Connection& connection = document.ledger.connection(exchange.connection);
  json.begin("exchange", kExchangeSchema);
  json.member("exchange", number(exchange.id));
  json.member("connection", number(exchange.connection));
  json.member("pid", number(connection.pid));
  json.member("process", std::string_view(connection.process));
  json.member("fd", number(connection.fd));
  json.member("role", name_of(connection.role));
  json.member("state", name_of(exchange.state));
  json.member("text", std::string_view(state_text(exchange)));
  json.member("stuck", is_stuck(document, exchange));
  json.member("move", http::name(exchange.move));
  if (exchange.missing != 0) json.member("missing", exchange.missing);
  if (exchange.unread != 0) json.member("unread", exchange.unread);
  const auto& [request, response, interim, flaws] = exchange.http;
  if (request) {
    json.open_object("request");
    json.member("method", std::string_view(request->method));
    json.member("target", std::string_view(masked_target(request->target, document.secrets)));
    if (!request->host.empty()) json.member("host", std::string_view(request->host));
    write_message(json, request->version, request->framing, request->content, request->progress,
                  request->began, request->last);
    write_fields(json, request->fields, document.secrets);
    json.close_object();
  }
  if (response) {
    json.open_object("response");
    json.member("status", response->status);
    json.member("reason", std::string_view(response->reason));
    write_message(json, response->version, response->framing, response->content, response->progress,
                  response->began, response->last);
    write_fields(json, response->fields, document.secrets);
    json.close_object();
  }
  json.member("interim", interim);
  json.open_list("flaws");
  for (const http::Flaw& flaw : flaws) {
    json.open_element();
    json.member("fault", http::name(flaw.fault));
    json.member("side", flaw.side == http::Side::kClient ? std::string_view("client")
                                                         : std::string_view("server"));
    json.member("meaning", http::describe(flaw.fault).meaning);
    json.close_object();
  }
  json.close_list();
  if (exchange.upstream) json.member("upstream", number(*exchange.upstream));
  json.open_list("differences");
  for (const FieldDifference& difference : exchange.differences) {
    json.open_element();
    json.member("name", std::string_view(difference.name));
    const auto value = [&](const std::string& text) {
      return masked_value(difference.name, text, document.secrets);
    };
    if (difference.upstream) {
      json.member("upstream", std::string_view(value(*difference.upstream)));
    }
    if (difference.downstream) {
      json.member("downstream", std::string_view(value(*difference.downstream)));
    }
    json.close_object();
  }
  json.close_list();
  json.end();
}

void write_connection(JsonWriter& json, const Connection& connection) {
  const bool ipv6 = connection.family == 10;
  json.begin("connection", kConnectionSchema);
  json.member("connection", number(connection.id));
  json.member("pid", number(connection.pid));
  json.member("process", std::string_view(connection.process));
  json.member("fd", number(connection.fd));
  json.member("inode", number(connection.socket));
  json.member("role", name_of(connection.role));
  if (connection.local.port != 0) {
    std::string local, remote;
    append_endpoint(local, connection.local, ipv6);
    append_endpoint(remote, connection.remote, ipv6);
    json.member("local", std::string_view(local));
    json.member("remote", std::string_view(remote));
  }
  json.member("tls", connection.tls);
  json.member("joined_late", connection.late);
  json.member("http2", connection.http2);
  json.member("grpc", connection.grpc);
  json.member("closed", connection.closed);
  json.member("exchanges", connection.exchanges);
  json.member("lost", connection.lost);
  json.member("stray_client", connection.stray_client);
  json.member("stray_server", connection.stray_server);
  json.end();
}

}  // namespace

void write_exchanges_json(const HttpDocument& document, const Sink& sink) {
  JsonWriter json;
  for (const Exchange& exchange : document.exchanges) {
    write_exchange(json, document, exchange);
    if (!pass_on(json, sink)) return;
  }
  sink(json.text());
}

void write_capture_json(const HttpDocument& document, const Sink& sink) {
  JsonWriter json;
  const auto all = document.ledger.connections();
  for (const Connection* connection : all) {
    write_connection(json, *connection);
    if (!pass_on(json, sink)) return;
  }
  json.begin("capture", kCaptureSchema);
  json.member("duration", document.duration);
  json.member("connections", all.size());
  json.open_object("losses");
  json.member("events", document.losses.events);
  json.member("connections", document.losses.sockets);
  json.member("processes", document.losses.targets);
  json.member("tls_calls", document.losses.sessions);
  json.member("passed_over", document.losses.passed_over);
  json.member("unreadable", document.losses.unreadable);
  json.member("broken", document.losses.broken);
  json.member("exchanges", document.ledger.dropped());
  json.close_object();
  json.open_list("blinds");
  for (const std::string& blind : document.blinds) json.element(std::string_view(blind));
  json.close_list();
  json.end();
  sink(json.text());
}

}  // namespace plumb::detect
