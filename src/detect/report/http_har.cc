// SPDX-License-Identifier: Apache-2.0
// Exchanges as an HTTP archive.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "detect/report/describe.h"
#include "detect/report/http_document.h"
#include "detect/report/json_writer.h"
#include "detect/report/list.h"
#include "detect/report/pieces.h"
#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

// "2026-11-22T05:12:33.120Z".
std::string moment(std::chrono::nanoseconds since_1970) {
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count();
  const auto seconds = static_cast<std::time_t>(millis / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", parts, millis % 1000);
}

std::int64_t whole_millis(std::chrono::nanoseconds duration) {
  return std::max<std::int64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(duration).count(), 0);
}

void write_fields(JsonWriter& json, const std::vector<http::ObservedField>& fields,
                  Secrets secrets) {
  json.open_list("headers");
  for (const http::ObservedField& field : fields) {
    json.open_element();
    json.member("name", std::string_view(field.name));
    json.member("value", std::string_view(masked_value(field.name, field.value, secrets)));
    json.close_object();
  }
  json.close_list();
  json.open_list("cookies");
  json.close_list();
}

std::string_view value_of(const std::vector<http::ObservedField>& fields, std::string_view name) {
  const auto same = [&](const http::ObservedField& field) {
    return std::ranges::equal(field.name, name, {}, [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
  };
  const auto found = std::ranges::find_if(fields, same);
  return found == fields.end() ? std::string_view() : std::string_view(found->value);
}

// Whether a byte stands for itself in a URL: the characters of RFC 3986, section 2.
bool is_of_url(unsigned char c) {
  constexpr std::string_view kOthers = "-._~:/?#[]@!$&'()*+,;=%";
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         kOthers.find(static_cast<char>(c)) != std::string_view::npos;
}

// The end of the connection that answers: its address, where there is one.
std::string server_address(const Connection& connection) {
  const IpEndpoint& end = connection.role == Role::kServer ? connection.local : connection.remote;
  const bool known = std::ranges::any_of(end.address, [](std::uint8_t byte) { return byte != 0; });
  if (end.port == 0 || !known) return {};
  std::string text;
  append_endpoint(text, end, connection.family == 10);
  text.resize(text.rfind(':'));
  return text.starts_with('[') ? text.substr(1, text.size() - 2) : text;
}

// Readers of archives want a whole URL: one is made of what CONNECT and OPTIONS * ask for too.
std::string url_of(const HttpDocument& document, const Connection& connection,
                   const http::ObservedRequest& request) {
  const std::string target = masked_target(request.target, document.secrets);
  std::string url = target;
  if (request.method == "CONNECT") {
    url = "http://" + target;
  } else if (target.find("://") == std::string::npos || target.starts_with('/')) {
    std::string host = request.host.empty() ? server_address(connection) : request.host;
    if (request.host.empty() && host.find(':') != std::string::npos) host = "[" + host + "]";
    url = (connection.tls ? "https://" : "http://") + host;
    url.append(target.starts_with('/') ? "" : "/").append(target);
  }
  std::string clean;
  for (const char c : url) {
    const auto byte = static_cast<unsigned char>(c);
    clean += is_of_url(byte) ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return clean;
}

// The parameters of a URL, as they are written in it.
void write_query(JsonWriter& json, std::string_view url) {
  json.open_list("queryString");
  url = url.substr(0, url.find('#'));
  const auto mark = url.find('?');
  std::string_view rest = mark == std::string_view::npos ? "" : url.substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view pair = take_until(rest, '&');
    const auto equals = std::min(pair.find('='), pair.size());
    json.open_element();
    json.member("name", pair.substr(0, equals));
    json.member("value", pair.substr(std::min(equals + 1, pair.size())));
    json.close_object();
  }
  json.close_list();
}

void write_entry(JsonWriter& json, const HttpDocument& document, const Exchange& exchange) {
  const Connection& connection = document.ledger.connection(exchange.connection);
  const http::ObservedRequest& request = *exchange.http.request;
  const BootTime answered = exchange.http.response ? exchange.http.response->began : document.now;
  const BootTime last = exchange.http.response ? exchange.http.response->last : document.now;
  json.open_element();
  json.member("startedDateTime",
              std::string_view(moment(request.began.time_since_epoch() + document.wall)));
  json.member("time", whole_millis(last - request.began));
  json.open_object("request");
  json.member("method", std::string_view(request.method));
  const std::string url = url_of(document, connection, request);
  json.member("url", std::string_view(url));
  json.member(
      "httpVersion",
      std::string_view(request.version == http::Version::kHttp10 ? "HTTP/1.0" : "HTTP/1.1"));
  write_fields(json, request.fields, document.secrets);
  write_query(json, url);
  json.member("headersSize", -1);
  json.member("bodySize", request.content);
  json.close_object();
  json.open_object("response");
  // HAR has no word for a response that is not there; browsers write status 0.
  const http::ObservedResponse none;
  const http::ObservedResponse& response = exchange.http.response ? *exchange.http.response : none;
  json.member("status", response.status);
  json.member("statusText", std::string_view(response.reason));
  json.member(
      "httpVersion",
      std::string_view(response.version == http::Version::kHttp10 ? "HTTP/1.0" : "HTTP/1.1"));
  write_fields(json, response.fields, document.secrets);
  json.open_object("content");
  json.member("size", response.content);
  json.member("mimeType", value_of(response.fields, "content-type"));
  json.close_object();
  json.member("redirectURL", std::string_view(masked_target(value_of(response.fields, "location"),
                                                            document.secrets)));
  json.member("headersSize", -1);
  json.member("bodySize", response.content);
  json.close_object();
  json.open_object("cache");
  json.close_object();
  json.open_object("timings");
  json.member("send", whole_millis(request.last - request.began));
  json.member("wait", whole_millis(answered - request.last));
  json.member("receive", whole_millis(last - answered));
  json.close_object();
  if (const std::string address = server_address(connection); !address.empty()) {
    json.member("serverIPAddress", std::string_view(address));
  }
  json.member("connection", std::string_view(std::to_string(number(connection.id))));
  json.member("comment", std::string_view(state_text(exchange)));
  json.close_object();
}

}  // namespace

void write_http_har(const HttpDocument& document, const Sink& sink) {
  JsonWriter json;
  json.open_element();
  json.open_object("log");
  json.member("version", std::string_view("1.2"));
  json.open_object("creator");
  json.member("name", std::string_view("plumb"));
  json.member("version", std::string_view("1"));
  json.close_object();
  json.open_list("entries");
  for (const Exchange& exchange : document.exchanges) {
    if (!exchange.http.request) continue;  // an entry wants a URL
    write_entry(json, document, exchange);
    if (!pass_on(json, sink)) return;
  }
  json.close_list();
  json.close_object();
  json.close_object();
  sink(json.text());
  sink("\n");
}

}  // namespace plumb::detect
