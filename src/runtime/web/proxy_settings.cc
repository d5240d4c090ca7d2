// SPDX-License-Identifier: Apache-2.0
// Reading the variables and judging hosts.
#include "plumb/web/proxy_settings.h"

#include <cerrno>
#include <cstdlib>

#include "plumb/base/text.h"
#include "plumb/http/field_text.h"

namespace plumb::runtime {
namespace {

Result<std::optional<Url>> proxy_at(const char* text) {
  if (text == nullptr || *text == '\0') return std::optional<Url>();
  std::string address(text);
  if (address.find("://") == std::string::npos) address.insert(0, "http://");
  auto url = Url::parse(address);
  if (!url) return std::move(url).error();
  if (url->scheme != Scheme::kHttp) {
    return fail("use proxy", address, EINVAL, "only proxies that speak http are supported");
  }
  return std::optional<Url>(*std::move(url));
}

bool is_below(std::string_view host, std::string_view domain) {
  if (domain.starts_with('.')) domain.remove_prefix(1);
  if (domain.empty() || host.size() < domain.size()) return false;
  if (!http::same_ignoring_case(host.substr(host.size() - domain.size()), domain)) return false;
  return host.size() == domain.size() || host[host.size() - domain.size() - 1] == '.';
}

}  // namespace

Result<ProxySettings> ProxySettings::from_environment() {
  return from([](const char* name) -> const char* { return std::getenv(name); });
}

Result<ProxySettings> ProxySettings::from(const std::function<const char*(const char*)>& variable) {
  const auto first = [&](std::initializer_list<const char*> names) -> const char* {
    for (const char* name : names) {
      if (const char* value = variable(name); value != nullptr) return value;
    }
    return nullptr;
  };
  ProxySettings settings;
  auto http = proxy_at(first({"http_proxy", "all_proxy", "ALL_PROXY"}));
  if (!http) return std::move(http).error();
  auto https = proxy_at(first({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}));
  if (!https) return std::move(https).error();
  settings.http = *std::move(http);
  settings.https = *std::move(https);
  const char* direct = first({"no_proxy", "NO_PROXY"});
  std::string_view list = direct == nullptr ? std::string_view() : direct;
  while (!list.empty()) {
    const std::string_view entry = trim(take_until(list, ','));
    if (!entry.empty()) settings.direct.emplace_back(entry);
  }
  return settings;
}

const Url* ProxySettings::proxy_for(const Url& url) const {
  const auto& proxy = url.scheme == Scheme::kHttps ? https : http;
  if (!proxy) return nullptr;
  const std::string with_port = url.host + ":" + std::to_string(url.port);
  for (const std::string& entry : direct) {
    if (entry == "*" || is_below(url.host, entry) || is_below(with_port, entry)) return nullptr;
  }
  return &*proxy;
}

}  // namespace plumb::runtime
