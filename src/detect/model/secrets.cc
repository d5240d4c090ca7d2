// SPDX-License-Identifier: Apache-2.0
// Masking of secrets.
#include "detect/model/secrets.h"

#include <algorithm>
#include <array>

namespace plumb::detect {
namespace {

constexpr std::string_view kMasked = "***";

std::string folded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '-' || c == '_' || c == '.') continue;
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

// Without '-', '_' and '.', in lower case; anywhere in the name.
constexpr std::array<std::string_view, 12> kWithin = {
    "authorization", "cookie", "apikey",     "token",     "secret",     "passw",
    "credential",    "jwt",    "privatekey", "accesskey", "sessionkey", "signature"};
// The whole name.
constexpr std::array<std::string_view, 9> kWhole = {"key",  "auth", "sig",  "pwd",      "sid",
                                                    "code", "pass", "hmac", "sessionid"};

bool is_secret_name(std::string_view name) {
  const std::string plain = folded(name);
  return std::ranges::any_of(
             kWithin,
             [&](std::string_view part) { return plain.find(part) != std::string::npos; }) ||
         std::ranges::find(kWhole, std::string_view(plain)) != kWhole.end();
}

// "a=***; Path=/" of a Set-Cookie, "a=***; b=***" of a Cookie.
std::string masked_cookies(std::string_view value, bool set) {
  std::string out;
  bool first = true;
  while (!value.empty()) {
    const auto end = value.find(';');
    std::string_view part = value.substr(0, end);
    value.remove_prefix(end == std::string_view::npos ? value.size() : end + 1);
    if (!out.empty()) out += ';';
    const auto equals = part.find('=');
    const bool attribute = set && !first;
    first = false;
    if (attribute) {
      out += part;
    } else if (equals == std::string_view::npos) {
      out += kMasked;
    } else {
      out.append(part.substr(0, equals + 1)).append(kMasked);
    }
  }
  return out;
}

}  // namespace

bool is_secret_field(std::string_view name) {
  return is_secret_name(name);
}

std::string masked_value(std::string_view name, std::string_view value, Secrets secrets) {
  if (secrets == Secrets::kShow) return std::string(value);
  const std::string plain = folded(name);
  if (plain == "location" || plain == "referer" || plain == "contentlocation") {
    return masked_target(value, secrets);
  }
  if (!is_secret_field(name)) return std::string(value);
  if (plain == "cookie") return masked_cookies(value, false);
  if (plain == "setcookie") return masked_cookies(value, true);
  const auto blank = value.find(' ');
  const bool scheme = plain.ends_with("authorization") && blank != std::string_view::npos;
  std::string out(scheme ? value.substr(0, blank + 1) : std::string_view());
  return out.append(kMasked);
}

std::string masked_target(std::string_view target, Secrets secrets) {
  if (secrets == Secrets::kShow) return std::string(target);
  std::string out;
  const auto scheme = target.find("://");
  if (scheme != std::string_view::npos) {
    const std::size_t authority = scheme + 3;
    const auto end = target.find_first_of("/?#", authority);
    const auto at = target.substr(0, end).rfind('@');
    if (at != std::string_view::npos && at >= authority) {
      out.append(target.substr(0, authority)).append(kMasked);
      target.remove_prefix(at);
    }
  }
  const auto query = target.find('?');
  out += target.substr(0, query);
  if (query == std::string_view::npos) return out;
  out += '?';
  target.remove_prefix(query + 1);
  while (!target.empty()) {
    const auto end = target.find_first_of("&;#");
    const std::string_view pair = target.substr(0, end);
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos && is_secret_name(pair.substr(0, equals))) {
      out.append(pair.substr(0, equals + 1)).append(kMasked);
    } else {
      out += pair;
    }
    if (end == std::string_view::npos) break;
    out += target[end];
    target.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace plumb::detect
