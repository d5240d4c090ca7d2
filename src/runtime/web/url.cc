// SPDX-License-Identifier: Apache-2.0
// Reading and resolving addresses.
#include "plumb/web/url.h"

#include <algorithm>
#include <cerrno>

#include "plumb/base/text.h"
#include "plumb/http/field_text.h"
#include "plumb/web/request.h"

namespace plumb::runtime {
namespace {

Error broken(std::string_view text, const char* advice) {
  return fail("read address", std::string(text), EINVAL, advice);
}

std::uint16_t usual_port(Scheme scheme) {
  return scheme == Scheme::kHttps ? 443 : 80;
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

// RFC 3986 section 5.2.4, of a path that begins with a slash.
std::string without_dots(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(0, end);
    path.remove_prefix(end);
    if (segment == "/.." || segment == "/.") {
      if (segment == "/..") out.erase(std::min(out.rfind('/'), out.size()));
      if (path.empty()) out += '/';
    } else {
      out += segment;
    }
  }
  return out.empty() ? "/" : out;
}

// Reads "user:password@host:port" into `url`; false: it is none.
bool read_authority(std::string_view authority, Url& url) {
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const auto user = percent_decode(authority.substr(0, at));
    if (!user) return false;
    url.user_info = *user;
    authority.remove_prefix(at + 1);
  }
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return false;
    url.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    url.host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  std::ranges::transform(url.host, url.host.begin(), http::lower);
  url.port = usual_port(url.scheme);
  if (!port.empty() && port != ":") {
    const auto number = parse_number<std::uint16_t>(port.substr(1));
    if (port.front() != ':' || !number || *number == 0) return false;
    url.port = *number;
  }
  return !url.host.empty() && url.host.find_first_of("/?#@\\[]") == std::string::npos;
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
  Url url;
  const std::size_t colon = text.find("://");
  const std::string_view scheme = text.substr(0, std::min(colon, text.size()));
  if (http::same_ignoring_case(scheme, "https")) {
    url.scheme = Scheme::kHttps;
  } else if (!http::same_ignoring_case(scheme, "http")) {
    return broken(text, "it begins with http:// or https://");
  }
  if (!is_printable(text)) return broken(text, "it has a blank or control byte: encode it");
  if (colon == std::string_view::npos) return broken(text, "it begins with http:// or https://");
  std::string_view rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  const std::size_t path = std::min(rest.find_first_of("/?"), rest.size());
  if (!read_authority(rest.substr(0, path), url)) {
    return broken(text, "a host, then perhaps a colon and a port");
  }
  url.target = rest.substr(path);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

Result<Url> Url::resolve(std::string_view reference) const {
  reference = reference.substr(0, reference.find('#'));
  const std::size_t first = reference.find_first_of(":/?");
  if (first != std::string_view::npos && reference[first] == ':') return parse(reference);
  if (reference.starts_with("//")) {
    return parse((scheme == Scheme::kHttps ? "https:" : "http:") + std::string(reference));
  }
  if (!is_printable(reference)) return broken(reference, "it has a blank or control byte");
  Url url = *this;
  const std::string_view path = std::string_view(target).substr(0, target.find('?'));
  if (reference.empty()) return url;
  const std::size_t question = std::min(reference.find('?'), reference.size());
  const std::string_view query = reference.substr(question);
  if (question == 0) {
    url.target = std::string(path) + std::string(query);
  } else if (reference.starts_with('/')) {
    url.target = without_dots(reference.substr(0, question)) + std::string(query);
  } else {
    std::string merged(path.substr(0, path.rfind('/') + 1));
    merged += reference.substr(0, question);
    url.target = without_dots(merged) + std::string(query);
  }
  return url;
}

std::string Url::authority() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != usual_port(scheme)) text += ":" + std::to_string(port);
  return text;
}

std::string Url::origin() const {
  std::string text = scheme == Scheme::kHttps ? "https://" : "http://";
  text += host.find(':') == std::string::npos ? host : "[" + host + "]";
  return text + ":" + std::to_string(port);
}

std::string Url::text() const {
  return (scheme == Scheme::kHttps ? "https://" : "http://") + authority() + target;
}

}  // namespace plumb::runtime
