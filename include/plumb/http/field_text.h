// SPDX-License-Identifier: Apache-2.0
// The small grammar of field names and values (RFC 9110 section 5.6): tokens and comma lists.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace plumb::http {

namespace detail {

// RFC 9110 section 5.6.2: tchar.
constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    table[static_cast<unsigned char>(c)] = true;
  for (std::size_t c = '0'; c <= '9'; ++c) table[c] = true;
  for (std::size_t c = 'A'; c <= 'Z'; ++c) table[c] = table[c + 32] = true;
  return table;
}
inline constexpr std::array<bool, 256> kTokenTable = make_token_table();

}  // namespace detail

constexpr bool is_token_byte(char c) noexcept {
  return detail::kTokenTable[static_cast<unsigned char>(c)];
}

// One or more token bytes.
constexpr bool is_token(std::string_view text) noexcept {
  for (const char c : text) {
    if (!is_token_byte(c)) return false;
  }
  return !text.empty();
}

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

constexpr bool same_ignoring_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

// Without blanks and tabs at both ends (OWS).
constexpr std::string_view trim_blanks(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Takes the next element of a comma list off the front of `rest`, trimmed; commas inside quoted
// strings do not separate. Empty elements are handed out as they are: the caller skips or refuses
// them. False at the end of the list; an empty list has no element.
constexpr bool take_element(std::string_view& rest, std::string_view& element) noexcept {
  if (rest.data() == nullptr || rest.empty()) return false;
  bool quoted = false;
  std::size_t end = 0;
  for (; end < rest.size(); ++end) {
    const char c = rest[end];
    if (quoted && c == '\\') {
      ++end;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      break;
    }
  }
  if (end > rest.size()) end = rest.size();
  element = trim_blanks(rest.substr(0, end));
  rest.remove_prefix(end < rest.size() ? end + 1 : end);
  return true;
}

// Whether a comma list names `option`, in any case of letters.
constexpr bool lists(std::string_view list, std::string_view option) noexcept {
  std::string_view element;
  while (take_element(list, element)) {
    if (same_ignoring_case(element, option)) return true;
  }
  return false;
}

}  // namespace plumb::http
