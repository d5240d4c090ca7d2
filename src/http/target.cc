// SPDX-License-Identifier: Apache-2.0
// The forms of a request target, and the grammar of Host.
#include "http/target.h"

#include <array>

namespace plumb::http {
namespace {

constexpr bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// RFC 3986: unreserved, sub-delims and '%', of which registered names consist.
constexpr std::array<bool, 256> make_name_table() {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("-._~!$&'()*+,;=%"))
    table[static_cast<unsigned char>(c)] = true;
  for (unsigned c = 0; c < 256; ++c) {
    if (is_alpha(static_cast<char>(c)) || is_digit(static_cast<char>(c))) table[c] = true;
  }
  return table;
}
constexpr std::array<bool, 256> kNameTable = make_name_table();

// Takes "[…]" or a registered name off the front.
bool take_host(std::string_view& rest) {
  std::size_t at = 0;
  if (!rest.empty() && rest.front() == '[') {
    for (at = 1; at < rest.size() && rest[at] != ']'; ++at) {
      const char c = rest[at];
      if (c != ':' && c != '.' && !kNameTable[static_cast<unsigned char>(c)]) return false;
    }
    if (at == rest.size() || at == 1) return false;
    ++at;
  } else {
    while (at < rest.size() && kNameTable[static_cast<unsigned char>(rest[at])]) ++at;
  }
  rest.remove_prefix(at);
  return true;
}

bool is_port(std::string_view text) {
  for (const char c : text) {
    if (!is_digit(c)) return false;
  }
  return text.size() <= 5;
}

}  // namespace

bool is_host(std::string_view value) noexcept {
  std::string_view rest = value;
  if (!take_host(rest)) return false;
  if (rest.empty()) return true;
  return rest.size() != value.size() && rest.front() == ':' && is_port(rest.substr(1));
}

bool target_fits(Method method, std::string_view target) noexcept {
  if (method == Method::kConnect) {
    std::string_view rest = target;
    if (!take_host(rest) || rest.size() == target.size()) return false;
    return rest.size() > 1 && rest.front() == ':' && is_port(rest.substr(1));
  }
  if (target.front() == '/') return true;
  if (target == "*") return method == Method::kOptions;
  // absolute-form: a scheme, "://" and something behind it
  if (!is_alpha(target.front())) return false;
  std::size_t at = 1;
  while (at < target.size() && (is_alpha(target[at]) || is_digit(target[at]) || target[at] == '+' ||
                                target[at] == '-' || target[at] == '.')) {
    ++at;
  }
  return target.substr(at).starts_with("://") && target.size() > at + 3;
}

}  // namespace plumb::http
