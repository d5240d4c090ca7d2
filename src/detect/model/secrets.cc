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
constexpr std::array<std::string_view, 15> kWithin = {
    "authorization", "cookie",    "apikey",     "token",     "secret",
    "passw",         "sessid",    "credential", "jwt",       "privatekey",
    "accesskey",     "sessionid", "sessionkey", "signature", "assertion"};
// The whole name.
constexpr std::array<std::string_view, 12> kWhole = {"key", "auth",    "sig",    "pwd",
                                                     "sid", "code",    "pass",   "hmac",
                                                     "otp", "session", "ticket", "samlresponse"};
// How APIs end the names of what they ask for: X-Auth-Key, Ocp-Apim-Subscription-Key, X-Auth; and
// what ends so without being one.
constexpr std::array<std::string_view, 2> kEnds = {"key", "auth"};
constexpr std::array<std::string_view, 5> kOpenKeys = {"secwebsocketkey", "idempotencykey",
                                                       "surrogatekey", "cachekey", "sortkey"};

bool is_secret_name(std::string_view name) {
  const std::string plain = folded(name);
  const std::string_view whole = plain;
  const auto is_whole = [&](std::string_view one) { return whole == one; };
  const auto is_within = [&](std::string_view one) {
    return whole.find(one) != std::string_view::npos;
  };
  const auto is_end = [&](std::string_view one) { return whole.ends_with(one); };
  return std::ranges::any_of(kWithin, is_within) || std::ranges::any_of(kWhole, is_whole) ||
         (std::ranges::any_of(kEnds, is_end) && std::ranges::none_of(kOpenKeys, is_end));
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

// "Bearer " of "Bearer abc"; nothing where the first word may be the secret itself.
std::string_view scheme_of(std::string_view value) {
  constexpr std::size_t kLongestScheme = 20;  // AWS4-HMAC-SHA256 has 16
  const auto blank = value.find(' ');
  if (blank == std::string_view::npos || blank > kLongestScheme) return {};
  const std::string_view word = value.substr(0, blank);
  const bool plain = std::ranges::all_of(word, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  return plain ? value.substr(0, blank + 1) : std::string_view();
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Without its percent-encoding (RFC 3986, section 2.1), once.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool coded = text[at] == '%' && at + 2 < text.size() && digit_of(text[at + 1]) >= 0 &&
                       digit_of(text[at + 2]) >= 0;
    out +=
        coded ? static_cast<char>(digit_of(text[at + 1]) * 16 + digit_of(text[at + 2])) : text[at];
    if (coded) at += 2;
  }
  return out;
}

// The user information of a URL that begins with its scheme, or of what CONNECT asks for: where it
// begins and ends, the at sign not among it.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};
enum class Form : bool { kUrl, kTarget };
Span user_information(std::string_view text, Form form) {
  const auto slash = text.find_first_of("/?#");
  const bool url = slash != std::string_view::npos && slash > 0 && text[slash - 1] == ':' &&
                   text.substr(slash).starts_with("//");
  if (!url && (form == Form::kUrl || slash == 0)) return {};
  const std::size_t begin = url ? slash + 2 : 0;
  const auto at = text.substr(0, text.find_first_of("/?#", begin)).rfind('@');
  if (at == std::string_view::npos || at < begin) return {};
  return {begin, at};
}

// Whether a value is a URL, or a piece of one, in which something has to be masked. URLs stand in
// URLs in percent-encoding, of which some levels are looked into.
bool hides_secret(std::string_view value) {
  constexpr int kLevels = 3;
  std::string plain(value);
  for (int level = 0; level < kLevels; ++level) plain = decoded(plain);
  std::size_t name = 0;
  for (std::size_t at = 0; at < plain.size(); ++at) {
    if (plain[at] == '=' && is_secret_name(std::string_view(plain).substr(name, at - name))) {
      return true;
    }
    if (std::string_view("?&;#=/ ").find(plain[at]) != std::string_view::npos) name = at + 1;
  }
  const Span user = user_information(plain, Form::kUrl);
  return user.end > user.begin;
}

void append_masked_pair(std::string& out, std::string_view pair) {
  const auto equals = pair.find('=');
  if (equals == std::string_view::npos) {
    out += pair;
    return;
  }
  const std::string_view value = pair.substr(equals + 1);
  out += pair.substr(0, equals + 1);
  const bool secret = is_secret_name(decoded(pair.substr(0, equals))) || hides_secret(value);
  out += secret ? kMasked : value;
}

// Parameters stand behind '?' and '#', and in the path behind ';'.
void append_masked_pairs(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto end = text.find_first_of("?&;#");
    append_masked_pair(out, text.substr(0, end));
    if (end == std::string_view::npos) break;
    out += text[end];
    text.remove_prefix(end + 1);
  }
}

// Where the value of a secret header begins that is named in a word: "'Authorization:", "X-Key:a".
std::size_t secret_header(std::string_view word) {
  const auto colon = word.find(':');
  if (colon == std::string_view::npos) return 0;
  std::string_view name = word.substr(0, colon);
  name.remove_prefix(std::min(name.find_first_not_of("\"'"), name.size()));
  const std::string plain = folded(name);
  const bool own = plain == "authorization" || plain == "proxyauthorization" || plain == "cookie" ||
                   plain == "setcookie";
  return own || (plain.starts_with('x') && is_secret_name(name)) ? colon + 1 : 0;
}

// "--api-key" of "--api-key abc"; not "--no-auth", nor one letter, whose meaning is nobody's.
bool asks_for_secret(std::string_view word) {
  constexpr std::size_t kLetter = 3;
  const std::string plain = folded(word);
  return word.starts_with('-') && word.size() > kLetter &&
         word.find('=') == std::string_view::npos && !plain.starts_with("no") &&
         is_secret_name(word);
}

// Takes a value from the front of a text, with the blanks in it where it is in quotes.
void drop_value(std::string_view& text) {
  const char quote = text.front();
  const bool quoted = quote == '"' || quote == '\'';
  const auto end = quoted ? text.find(quote, 1) : text.find(' ');
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + (quoted ? 1 : 0));
}

}  // namespace

bool is_secret_field(std::string_view name) {
  return is_secret_name(name);
}

std::string masked_value(std::string_view name, std::string_view value, Secrets secrets) {
  if (secrets == Secrets::kShow) return std::string(value);
  const std::string plain = folded(name);
  if (plain == "cookie") return masked_cookies(value, false);
  if (plain == "setcookie") return masked_cookies(value, true);
  const bool asks = plain == "wwwauthenticate" || plain == "proxyauthenticate";
  const bool answers = asks && (value.starts_with("Negotiate ") || value.starts_with("NTLM "));
  if (is_secret_field(name) || answers) {
    const bool scheme = plain.ends_with("authorization") || answers;
    return std::string(scheme ? scheme_of(value) : std::string_view()).append(kMasked);
  }
  const bool url = plain == "location" || plain == "referer" || plain == "contentlocation" ||
                   value.find("://") != std::string_view::npos || value.starts_with('/');
  return url ? masked_target(value, secrets) : std::string(value);
}

std::string masked_target(std::string_view target, Secrets secrets) {
  if (secrets == Secrets::kShow) return std::string(target);
  std::string out;
  const Span user = user_information(target, Form::kTarget);
  if (user.end > user.begin) {
    out.append(target.substr(0, user.begin)).append(kMasked);
    target.remove_prefix(user.end);
  }
  append_masked_pairs(out, target);
  return out;
}

std::string masked_text(std::string_view text) {
  std::string out;
  const auto keep = [&](std::size_t size) {
    out += text.substr(0, size);
    text.remove_prefix(std::min(size, text.size()));
  };
  bool asked = false;
  while (true) {
    keep(std::min(text.find_first_not_of(' '), text.size()));
    if (text.empty()) return out;
    const std::string_view word = text.substr(0, text.find(' '));
    if (const std::size_t value = secret_header(word)) {
      keep(value);
      keep(std::min(text.find_first_not_of(' '), text.size()));
      out += kMasked;
      text.remove_prefix(std::min(text.find_first_of("\"'\r\n"), text.size()));
      continue;
    }
    if (asked && !word.starts_with('-')) {
      out += kMasked;
      drop_value(text);
      asked = false;
      continue;
    }
    asked = asks_for_secret(word);
    text.remove_prefix(word.size());
    if (word.find("://") != std::string_view::npos) {
      out += masked_target(word, Secrets::kMask);
    } else {
      append_masked_pairs(out, word);
    }
  }
}

}  // namespace plumb::detect
