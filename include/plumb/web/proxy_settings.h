// SPDX-License-Identifier: Apache-2.0
// Which proxy a request goes through, by the conventions that curl made: http_proxy, https_proxy,
// all_proxy and no_proxy. HTTP_PROXY in capitals is not read, as a CGI program gets it from whoever
// sends it a Proxy field.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plumb/base/result.h"
#include "plumb/web/url.h"

namespace plumb::runtime {

struct ProxySettings {
  std::optional<Url> http;   // for http addresses: asked with the whole address as target
  std::optional<Url> https;  // for https: asked to CONNECT
  // Hosts that are asked directly: "example.org" (and all below it), ".example.org" (the same),
  // "10.1.2.3", "host:8080", "*".
  std::vector<std::string> direct;

  // Errors: EINVAL for a proxy's address that is none, or has a scheme other than http.
  static Result<ProxySettings> from_environment();
  // The same of another environment: null for a variable that is not set.
  static Result<ProxySettings> from(const std::function<const char*(const char*)>& variable);

  // Null: ask the host directly.
  const Url* proxy_for(const Url& url) const;
};

}  // namespace plumb::runtime
